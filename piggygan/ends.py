"""Which convolutions take the input and which make the output: found by a run without values.

The generator runs on PyTorch's ``meta`` device, where tensors have shapes and a history of operations and no numbers:
that costs milliseconds and no memory, and leaves the generator's own tensors alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from piggygan.support import CONVOLUTIONS

SIDES = (64, 32, 96, 128, 256, 16, 224, 48, 8)
"""Sides in pixels that are tried, until the generator takes one."""
MOST_CHANNELS = 4
"""How many numbers of input channels are tried: those of the first convolutions."""


@dataclass(frozen=True)
class Ends:
    """Where images enter a generator and where they leave it.

    Attributes:
        inputs: What takes the input: paths of layers, and ``""`` if it is passed on to the output as it is.
        outputs: What makes the output, likewise.
        input_channels: Of the input.
        output_channels: Of the output.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_channels: int
    output_channels: int


def find_ends(generator: nn.Module, layers: Mapping[str, nn.Module]) -> Ends | None:
    """Run a generator without values and say where images enter and leave it.

    Args:
        generator: It stays as it is.
        layers: The modules at which a number of channels may change, by path: all that are treated.

    Returns:
        None if it cannot be run so: it takes more than images, or asks for values.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 1), nn.Tanh())
        >>> find_ends(net, {"0": net[0], "2": net[2]})
        Ends(inputs=('0',), outputs=('2',), input_channels=3, output_channels=1)
    """
    convolutions = [layer for layer in layers.values() if isinstance(layer, CONVOLUTIONS)]
    if not convolutions:
        return None
    axes = len(convolutions[0].kernel_size)
    channels = list(dict.fromkeys(conv.in_channels for conv in convolutions))[:MOST_CHANNELS]
    for c_in, side in itertools.product(channels, SIDES):
        with _watched(layers) as seen, _in_evaluation(generator):
            images, outputs = _run(generator, (2, c_in, *[side] * axes))
        if outputs is not None:
            return _ends(images, outputs, seen)
    return None


_Calls = list[tuple[str, list[Any], Any]]
"""For each call of a layer: its path, the history of what it was given, and that of what it made."""


def _run(generator: nn.Module, shape: tuple[int, ...]) -> tuple[Tensor, list[Tensor] | None]:
    """Return the images and all tensors that came of them; None if the generator refused."""
    floats = (tensor.dtype for tensor in generator.parameters() if tensor.is_floating_point())
    images = torch.zeros(shape, dtype=next(floats, None), device="meta", requires_grad=True)
    tensors: dict[str, Tensor] = {
        name: torch.empty_like(tensor, device="meta").requires_grad_(tensor.is_floating_point() and tensor.is_leaf)
        for name, tensor in generator.named_parameters()
    }
    tensors |= {name: torch.empty_like(tensor, device="meta") for name, tensor in generator.named_buffers()}
    try:
        with torch.enable_grad(), torch.inference_mode(False), torch.device("meta"):
            outputs = torch.func.functional_call(generator, tensors, (images,))
    except Exception:  # noqa: BLE001  # any code of the user's may run here, and says no in any way
        return images, None
    found = [tensor for tensor in _tensors(outputs) if tensor.requires_grad]
    return images, found or None


def _ends(images: Tensor, outputs: list[Tensor], calls: _Calls) -> Ends:
    made = {id(history): path for path, _, history in calls if history is not None}
    given = {path: _reached(histories, made, images) for path, histories, _ in calls}
    last = _reached([tensor.grad_fn for tensor in outputs], made, images)
    straight = [""] if "" in last else []
    return Ends(
        inputs=(*straight, *(path for path, sources in given.items() if "" in sources)),
        outputs=tuple(sorted(last, key=list(given).index if "" not in last else None)),
        input_channels=images.shape[1],
        output_channels=outputs[0].shape[1] if outputs[0].dim() > 1 else 0,
    )
