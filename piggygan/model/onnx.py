"""A task as an ONNX file, for programs that have no PyTorch."""

from __future__ import annotations

import os
import warnings

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.model.generator import MultiTaskGenerator


def export_onnx(model: MultiTaskGenerator, task: str, path: str | os.PathLike[str], images: Tensor) -> None:
    """Fold a task and write it as ONNX, with any number of images a batch.

    Needs the extra ``piggygan[onnx]``. Outputs agree with PyTorch's to rounding, not to the bit.

    Args:
        model: Has the task; it is not changed.
        task: Its name.
        path: The file to write; its input is called ``images``, its output ``output``.
        images: An example, ``(batch, channels, height, width)`` in [-1, 1]; height and width become fixed.

    Raises:
        TaskNotFoundError: If there is no such task.
        ConfigurationError: If the extra is not installed.

    Example:
        >>> import torch
        >>> from piggygan import MultiTaskGenerator, UNetGenerator, export_onnx
        >>> model = MultiTaskGenerator(UNetGenerator(depth=5, width=4), base_task="facades")
        >>> images = torch.zeros(1, 3, 32, 32)
        >>> export_onnx(model, "facades", "facades.onnx", images)  # doctest: +SKIP
    """
    folded = model.fold_task(task).eval()
    if images.shape[0] == 1:  # a batch of one would be taken for a fixed size
        images = images.repeat(2, *[1] * (images.dim() - 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's exporter warns of itself
            program = torch.onnx.export(
                folded,
                (images,),
                input_names=["images"],
                output_names=["output"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                dynamo=True,
                verbose=False,
            )
    except ImportError as error:
        raise ConfigurationError(f"ONNX needs more packages ({error.name}): pip install 'piggygan[onnx]'.") from error
    if program is None:
        raise ConfigurationError(f"torch {torch.__version__} wrote no ONNX program: use a newer one.")
    program.save(os.fspath(path), include_initializers=True)
