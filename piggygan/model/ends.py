"""Which convolutions take the input and which make the output: found by a run without values.

The generator runs on PyTorch's ``meta`` device, where tensors have shapes and a history of operations and no numbers:
that costs milliseconds and no memory. A copy runs, so the generator itself is left alone.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError
from piggygan.layers.copying import copied
from piggygan.layers.wrappable import CONVOLUTIONS

SIDES = (64, 32, 96, 128, 256, 16, 224, 48, 8)
"""Sides in pixels that are tried, until the generator takes one."""
_LOG = logging.getLogger(__name__)
MOST_CHANNELS = 4
"""How many numbers of input channels are tried: those of the first convolutions."""


IMAGES = "the input itself"


@dataclass(frozen=True)
class Ends:
    """Where images enter a generator and where they leave it.

    Attributes:
        inputs: Paths of the layers that take the input.
        outputs: Paths of the layers that make the output; among them :data:`IMAGES` if the input itself is part of it.
        input_channels: Of the input.
        output_channels: Of the output.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_channels: int
    output_channels: int


class End(NamedTuple):
    """One end of a generator.

    Attributes:
        layer: Path of the convolution there.
        fixed: Why no task can have another number of channels there; empty if one can.
    """

    layer: str
    fixed: str


def check_channels(name: str, channels: int | None, here: int, end: End) -> None:
    """Refuse a number of channels that a task cannot have.

    Args:
        name: What it is called.
        channels: The number; None: the base task's.
        here: The base task's.
        end: The end that would get it.

    Raises:
        ConfigurationError: If it is below 1, or another than the base task's where none can be.
    """
    if channels is not None and channels < 1:
        raise ConfigurationError(f"{name} is {channels}; an image has at least one channel.")
    if end.fixed and channels not in (None, here):
        raise ConfigurationError(f"{name} cannot be {channels}: {end.fixed}")


def choose_ends(
    found: Ends | None, layers: Mapping[str, nn.Module], output_layer: str | None, input_layer: str | None
) -> tuple[End, End]:
    """Choose the convolution that makes the output, and the one that takes the input.

    Args:
        found: What :func:`find_ends` says; None if nobody knows: then it is the last one and the first one registered.
        layers: The convolutions, by path, in order of registration.
        output_layer: The caller's own choice, which counts.
        input_layer: Likewise.
    """
    first, last = next(iter(layers), ""), next(reversed(list(layers)), "")
    if found is None:
        return End(output_layer or last, ""), End(input_layer or first, "")
    output = _end("output", "made", found.outputs, found.output_channels, layers, "out_channels")
    entrance = _end("input", "taken", found.inputs, found.input_channels, layers, "in_channels")
    return (
        End(output_layer, "") if output_layer else output._replace(layer=output.layer or last),
        End(input_layer, "") if input_layer else entrance._replace(layer=entrance.layer or first),
    )


def _end(
    name: str, what: str, paths: tuple[str, ...], channels: int, layers: Mapping[str, nn.Module], attribute: str
) -> End:
    known = [path for path in paths if path in layers]
    if len(paths) != 1 or not known:
        return End(
            known[-1 if name == "output" else 0] if known else "",
            f"the {name} is {what} by {' and '.join(paths[:4])}{', and more' if len(paths) > 4 else ''}, and only one "
            f"convolution can have other channels: give the generator one such, or name the one that is meant with "
            f"{name}_layer= when it is wrapped.",
        )
    here = getattr(layers[known[0]], attribute)
    if here != channels:
        return End(known[0], f"the {name} has {channels} channels, and {known[0]}, by which it is {what}, has {here}.")
    return End(known[0], "")


def find_ends(generator: nn.Module, layers: Mapping[str, nn.Module]) -> Ends | None:
    """Run a generator without values and say where images enter and leave it, in training or in evaluation.

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
    axes = len(convolutions[0].kernel_size) if convolutions else 0
    channels = list(dict.fromkeys(conv.in_channels for conv in convolutions))[:MOST_CHANNELS]
    watched = [path for path, layer in layers.items() if not _takes_any_channels(layer)]
    try:
        with torch.inference_mode(False):
            twin = _without_values(generator)
        for c_in, side in itertools.product(channels, SIDES):
            shape = (2, c_in, *[side] * axes)
            if found := _run(twin.eval(), watched, shape):
                other = _run(twin.train(), watched, shape) or found
                inputs, outputs = found.inputs + other.inputs, found.outputs + other.outputs
                return replace(found, inputs=tuple(dict.fromkeys(inputs)), outputs=tuple(dict.fromkeys(outputs)))
    except Exception as error:  # any code of the user's may run here
        _LOG.debug("%s cannot be run without values: %r", type(generator).__name__, error)
    return None


def _without_values(generator: nn.Module) -> nn.Module:
    """Copy a generator, its tensors' shapes only."""
    memo: dict[int, object] = {}
    for tensor in itertools.chain(generator.parameters(), generator.buffers()):
        empty = torch.empty_like(tensor, device="meta", requires_grad=False)
        memo[id(tensor)] = nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
    return copied(generator, memo)


def _run(twin: nn.Module, watched: Sequence[str], shape: tuple[int, ...]) -> Ends | None:
    """Run once and read what happened off the history of the tensors; None if the generator refuses."""
    floats = (tensor.dtype for tensor in twin.parameters() if tensor.is_floating_point())
    with (
        _calls_of(twin, watched) as calls,
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.device("meta"),
    ):
        images = torch.zeros(shape, dtype=next(floats, None), requires_grad=True).clone()
        try:
            outputs = twin(images)
        except Exception as error:  # any code of the user's may run here, and refuse in any way
            _LOG.debug("%s refuses %s: %r", type(twin).__name__, shape, error)
            return None
    made = [tensor for tensor in _tensors(outputs) if tensor.grad_fn is not None and tensor.dim() > 1]
    if not made:
        return None
    return _read_off(images.grad_fn, [tensor.grad_fn for tensor in made], calls, shape[1], made[0].shape[1])


_Call = tuple[str, list[Any], list[Any]]
"""A call of a layer: its path, the histories of what it was given, and of what it made."""


def _read_off(start: Any, last: list[Any], calls: list[_Call], c_in: int, c_out: int) -> Ends:
    made = {id(node): path for path, _, nodes in calls for node in nodes}
    made[id(start)] = IMAGES
    takers = [path for path, nodes, _ in calls if IMAGES in _nearest(nodes, made)]
    return Ends(tuple(dict.fromkeys(takers)), tuple(_nearest(last, made)), c_in, c_out)


def _nearest(nodes: Iterable[Any], made: Mapping[int, str]) -> list[str]:
    """Go back in a history and say which layers are met first."""
    found: dict[str, None] = {}
    waiting = list(nodes)
    seen: dict[int, Any] = {}  # with the nodes themselves, so that no other one takes the identity of one that is gone
    while waiting:
        node = waiting.pop(0)
        if node is None or id(node) in seen:
            continue
        seen[id(node)] = node
        if id(node) in made:
            found[made[id(node)]] = None
        else:
            waiting += [earlier for earlier, _ in node.next_functions]
    return list(found)


@contextmanager
def _calls_of(twin: nn.Module, watched: Sequence[str]) -> Iterator[list[_Call]]:
    """Note each call of some layers."""
    calls: list[_Call] = []

    def hook(path: str) -> Callable[..., None]:
        def note(_: nn.Module, given: Any, made: Any) -> None:
            calls.append((path, _histories(given), _histories(made)))

        return note

    handles = [twin.get_submodule(path).register_forward_hook(hook(path)) for path in watched]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _histories(value: Any) -> list[Any]:
    return [tensor.grad_fn for tensor in _tensors(value)]


def _takes_any_channels(layer: nn.Module) -> bool:
    return isinstance(layer, nn.PReLU) and layer.num_parameters == 1


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from itertools.chain.from_iterable(_tensors(part) for part in value.values())
    elif isinstance(value, (list, tuple)):
        yield from itertools.chain.from_iterable(_tensors(part) for part in value)
