"""The tensors of one task in all layers: out and in again, and what is asked of them before a task is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from torch import Tensor

from piggygan.errors import ConfigurationError, FrozenTaskError, InputError
from piggygan.files.precision import check_precision
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.freezing import check_finite, moves
from piggygan.model.wrapping import Layer


def tensors_of(layers: Mapping[str, Layer], task: str) -> dict[str, Tensor]:
    """Return everything that makes a task what it is, by ``path.name``."""
    return {
        _dotted(path, name): tensor for path, layer in layers.items() for name, tensor in layer.tensors(task).items()
    }


def load_tensors(layers: Mapping[str, Layer], task: str, tensors: Mapping[str, Tensor]) -> None:
    """Put back what :func:`tensors_of` gave, into every layer or into none.

    Raises:
        InputError: If names, shapes or types are not those of the task here.
    """
    for path, given in by_layer(layers, task, tensors).items():
        layers[path].load_tensors(task, given)


def by_layer(layers: Mapping[str, Layer], task: str, tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return what :func:`tensors_of` gave for each layer, by the names of the layer.

    Raises:
        InputError: If names, shapes or types are not those of the task here, or bank filters are picked that there
            are not.
    """
    check_same_form(tensors_of(layers, task), tensors)
    found = {
        path: {name: tensors[_dotted(path, name)] for name in layer.tensors(task)} for path, layer in layers.items()
    }
    for path, layer in layers.items():
        if isinstance(layer, PiggybackConvolution):
            layer.check_picked(task, found[path])
    return found


def check_same_form(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Refuse tensors of other names, shapes or types than a task's.

    Raises:
        InputError: Naming the first ten.
    """
    problems = [f"{name} is missing" for name in expected if name not in given]
    problems += [f"{name} is not known" for name in given if name not in expected]
    for name in expected.keys() & given.keys():
        here, there = expected[name], given[name]
        if here.shape != there.shape or here.dtype != there.dtype:
            problems.append(f"{name} is {there.dtype} {tuple(there.shape)}, needed {here.dtype} {tuple(here.shape)}")
    if problems:
        more = f", and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise InputError(f"these tensors are not the task's: {'; '.join(sorted(problems)[:10])}{more}.")


def check_stored(stored: object, *, is_base: bool) -> None:
    """Refuse to round what is not to be rounded.

    Raises:
        ConfigurationError: If there is no such precision, or it is the base task, which stays the network that it was.
    """
    check_precision(stored)
    if stored is not None and is_base:
        raise ConfigurationError(
            f"stored={stored!r} is for later tasks: the base task stays the network that it was, to the bit."
        )


def check_layers_finite(layers: Mapping[str, Layer], task: str) -> None:
    """Refuse to freeze a task that is not finite, before any layer of it is frozen.

    Raises:
        InputError: If a tensor holds NaN or infinities, naming it by its path.
    """
    for path, layer in layers.items():
        check_finite(layer.tensors(task), path, _learned(layer))


def constants(layers: Mapping[str, Layer], task: str) -> set[str]:
    """Name the tensors of a task that no training moves, which may hold infinities: masks and their like."""
    return {
        _dotted(path, name)
        for path, layer in layers.items()
        for name in layer.tensors(task)
        if not moves(name, _learned(layer))
    }


def _learned(layer: Layer) -> Collection[str] | None:
    return None if isinstance(layer, PiggybackConvolution) else layer.parameter_names


def check_layers_unmoved(layers: Mapping[str, Layer], frozen: Iterable[str]) -> None:
    """Check that frozen tasks are what they were when they were frozen.

    Raises:
        FrozenTaskError: If one is not, naming tasks and layers.
    """
    differences = [(task, path, layer.moved(task)) for task in frozen for path, layer in layers.items()]
    moved = [f"{task!r} at {path or 'its layer'} {reason}" for task, path, reason in differences if reason]
    if moved:
        more = f"; and {len(moved) - 5} more" if len(moved) > 5 else ""
        raise FrozenTaskError(
            f"frozen tasks are no longer what they were: {'; '.join(moved[:5])}{more}. Load them anew from "
            f"where they are stored, and look for what writes into the model."
        )


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
