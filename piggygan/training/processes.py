"""The device, and the processes that train together. The only file of the loop that knows accelerate."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import torch
from accelerate.accelerator import Accelerator
from accelerate.utils.dataclasses import DistributedDataParallelKwargs, DistributedType
from accelerate.utils.operations import broadcast, send_to_device
from accelerate.utils.random import set_seed
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError

SPLITTING = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)


class Processes:
    """This process among those that train together, on the device that accelerate found for it.

    One process, unless started with ``torchrun`` or ``accelerate launch``.

    Args:
        seed: All random states are set from it, in each process to another one.

    Raises:
        ConfigurationError: If accelerate was started so that it splits networks over processes.
    """

    def __init__(self, seed: int) -> None:
        # A discriminator runs twice before its gradients are computed: no buffer may be overwritten in between.
        handler = DistributedDataParallelKwargs(broadcast_buffers=False)
        # Precision is ours to say (see Steps): accelerate can be told only once in the life of a process, and
        # would leave its autocast on the caller's networks. Without it optimizers need no preparation either.
        # Without cpu=True several processes on machines without an accelerator would each train alone, unaware.
        cpu = not torch.accelerator.is_available()
        self._accelerator: Any = Accelerator(cpu=cpu, mixed_precision="no", kwargs_handlers=[handler])
        if self._accelerator.distributed_type in SPLITTING:
            raise ConfigurationError(
                f"accelerate was started with {self._accelerator.distributed_type.value}, which splits networks over "
                f"processes: start it for plain data parallelism."
            )
        self._send: Any = send_to_device
        self._broadcast: Any = broadcast
        set_seed(seed + self._accelerator.process_index)

    @property
    def device(self) -> torch.device:
        """Return this process's device."""
        device: torch.device = self._accelerator.device
        return device

    @property
    def is_main(self) -> bool:
        """Say whether this is the process that reports."""
        return bool(self._accelerator.is_main_process)

    @property
    def count(self) -> int:
        """Return how many processes train together."""
        return int(self._accelerator.num_processes)

    @property
    def index(self) -> int:
        """Return this process's number, from 0."""
        return int(self._accelerator.process_index)

    def prepare_module(self, module: nn.Module) -> nn.Module:
        """Return a network that exchanges its gradients; with one process the network itself."""
        if self._accelerator.num_processes == 1:
            return module  # prepare_model would leave a mark on it, by which a later move to another device is skipped
        with warnings.catch_warnings():
            # torch 2.13 has another name for broadcast_buffers, which accelerate and torch 2.10 do not know.
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            prepared: nn.Module = self._accelerator.prepare_model(module)
        return prepared

    def prepare_loader(self, loader: DataLoader[Any]) -> Iterable[Any]:
        """Return a loader of this process's share of the batches."""
        prepared: Iterable[Any] = self._accelerator.prepare_data_loader(loader)
        return prepared

    def to_device(self, batch: Any) -> Any:
        """Return a batch with its tensors on this process's device."""
        return self._send(batch, self.device)

    def backward(self, loss: Tensor) -> None:
        """Compute gradients, means over all processes."""
        self._accelerator.backward(loss)

    def mean(self, values: Tensor) -> Tensor:
        """Return the means over all processes."""
        mean: Tensor = self._accelerator.reduce(values, reduction="mean")
        return mean

    def share(self, tensors: list[Tensor]) -> None:
        """Give all processes the main one's values, in place."""
        if self._accelerator.num_processes > 1:
            self._broadcast(tensors, from_process=0)

    def wait(self) -> None:
        """Wait until all processes are here."""
        self._accelerator.wait_for_everyone()
