"""What PyTorch raises while training, said in terms of what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from piggygan.errors import ConfigurationError, DatasetError, DeviceMemoryError
from piggygan.training.objectives.protocol import Batch, Objective

_UNDETERMINED = re.compile(r"(\w+) does not have a deterministic implementation")


@contextmanager
def explained(objective: Objective, epoch: int) -> Iterator[None]:
    """Turn a loader's lost worker and an operation that is not deterministic into errors that say what to do."""
    try:
        yield
    except RuntimeError as error:
        if is_of_a_worker(error):
            raise DatasetError(
                f"in epoch {epoch} a worker of the loader was lost or gave nothing for too long ({error}). Often it "
                f"was killed for want of memory: take fewer workers, or none."
            ) from error
        if match := _UNDETERMINED.search(str(error)):
            raise ConfigurationError(
                f"{match[1]} is not deterministic on this device{_layers_of(match[1], objective)}, and deterministic "
                f"algorithms were asked for: take another layer, or another device."
            ) from error
        raise


def is_of_a_worker(error: RuntimeError) -> bool:
    """Say whether a loader's worker was lost, or gave nothing for too long."""
    return str(error).startswith("DataLoader ")


@contextmanager
def memory_errors_explained(batch: Batch) -> Iterator[None]:
    """Name the batch for which a device had too little memory. Nothing is made smaller behind anyone's back."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceMemoryError(
            f"the device has too little memory for a batch of {batch.input.shape[0]} with inputs of shape "
            f"{tuple(batch.input.shape[1:])} ({str(error).splitlines()[0]}): take a smaller batch or smaller images."
        ) from error


def _layers_of(operation: str, objective: Objective) -> str:
    """Name the layers that an operation's name, such as reflection_pad2d_backward_cuda, belongs to."""
    name = operation.replace("_", "").lower()
    paths = [
        f"{role}.{path}"
        for role, module in objective.modules().items()
        for path, part in module.named_modules()
        if path and name.startswith(type(part).__name__.lower())
    ]
    return f" (layer {', '.join(paths[:5])})" if paths else ""
