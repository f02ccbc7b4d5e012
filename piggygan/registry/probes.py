"""Probes: what a generator is called with for its certificate, and what comes out, as named tensors.

Most generators take one batch of images, stored as ``inputs``, and return one, stored as ``outputs``. Where one takes
more, the second input is ``inputs.1``, and ``inputs.timestep`` is given by name. Where one returns several tensors, in
tuples, lists or dictionaries, they are laid end to end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from piggygan.errors import InputError
from piggygan.files.tensors import nonfinite_names, portable

INPUTS = "inputs"

Probe = Mapping[str, Tensor]
"""A call: ``inputs``, ``inputs.1``, ``inputs.2`` and so on in their places, ``inputs.NAME`` by name."""

GivenProbe = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
"""A batch of images; all inputs in their order; or inputs by name."""


def checked_probe(given: GivenProbe, axes: int) -> dict[str, Tensor]:
    """Name the tensors of a probe of the caller's, and copy them.

    Args:
        given: Images, or a tuple of all inputs, images first, or a dictionary of inputs by name.
        axes: Axes of positions of an image.

    Raises:
        InputError: If one is no tensor, is empty or not finite, or images have another number of axes.

    Example:
        >>> list(checked_probe((torch.zeros(1, 3, 8, 8), torch.tensor([10])), axes=2))
        ['inputs', 'inputs.1']
        >>> list(checked_probe({"sample": torch.zeros(1, 3, 8, 8), "timestep": torch.tensor(10)}, axes=2))
        ['inputs.sample', 'inputs.timestep']
    """
    if isinstance(given, Tensor):
        given = (given,)
    if isinstance(given, Mapping):
        named = {f"{INPUTS}.{name}": tensor for name, tensor in given.items()}
    else:
        named = {INPUTS if place == 0 else f"{INPUTS}.{place}": tensor for place, tensor in enumerate(given)}
    if not named or not all(isinstance(tensor, Tensor) for tensor in named.values()):
        kinds = ", ".join(f"{name} is {type(value).__name__}" for name, value in named.items()) or "it is empty"
        raise InputError(f"probe has to be images, a tuple of tensors, or tensors by name; {kinds}.")
    for name, tensor in named.items():
        is_image = name == INPUTS
        bad_images = is_image and (tensor.dim() != axes + 2 or not tensor.is_floating_point())
        if bad_images or not tensor.numel() or nonfinite_names({name: tensor}):
            shape = f"(batch, channels, {', '.join(['height', 'width'] if axes == 2 else ['positions'] * axes)})"
            raise InputError(
                f"probe is a {tensor.dtype} tensor of shape {tuple(tensor.shape)}; needed are finite floats of shape "
                f"{shape if is_image else 'the generator takes'}."
            )
    return {name: tensor.clone() for name, tensor in portable(named).items()}


def is_probe(names: Iterable[str]) -> bool:
    """Say whether tensors of these names are a probe."""
    names = list(names)
    return bool(names) and all(name == INPUTS or name.startswith(f"{INPUTS}.") for name in names)


def arguments(probe: Probe) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return a probe's inputs in their places, and those by name.

    Example:
        >>> arguments({"inputs": torch.tensor(0), "inputs.t": torch.tensor(2), "inputs.1": torch.tensor(1)})
        ([tensor(0), tensor(1)], {'t': tensor(2)})
    """
    rest = {name.removeprefix(f"{INPUTS}."): tensor for name, tensor in probe.items() if name != INPUTS}
    placed = {int(name): tensor for name, tensor in rest.items() if name.isdecimal()}
    if INPUTS in probe:
        placed[0] = probe[INPUTS]
    return [placed[place] for place in sorted(placed)], {n: t for n, t in rest.items() if not n.isdecimal()}


def end_to_end(outputs: Any) -> Tensor | None:
    """Return one tensor with all numbers of an output; None if it holds anything but tensors of floats.

    Example:
        >>> end_to_end({"mask": torch.zeros(1, 2), "deep": (torch.ones(1), torch.ones(1))}).tolist()
        [0.0, 0.0, 1.0, 1.0]
    """
    if isinstance(outputs, Tensor):
        return outputs.contiguous() if outputs.is_floating_point() else None
    parts = list(_parts(outputs))
    floats = [part.flatten() for part in parts if isinstance(part, Tensor) and part.is_floating_point()]
    return torch.cat(floats) if floats and len(floats) == len(parts) else None


def _parts(outputs: Any) -> Iterator[object]:
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    if not isinstance(outputs, (list, tuple)):
        yield outputs
        return
    for part in outputs:
        if part is not None:  # an output that was not asked for
            yield from _parts(part)
