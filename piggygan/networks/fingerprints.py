"""What a generator is made of, as text: enough to tell that weights belong to it, without naming code to import."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType

from torch import nn

SETTINGS = (
    "affine", "align_corners", "ceil_mode", "dilation", "eps", "groups", "kernel_size", "mode", "negative_slope",
    "normalized_shape", "num_groups", "output_padding", "output_size", "padding", "padding_mode", "scale_factor",
    "size", "stride", "track_running_stats", "upscale_factor",
)  # fmt: skip
"""Attributes that the first fingerprints had, of any module. Part of the format: the words before the tab."""
_OF_NO_EFFECT: dict[type, set[str]] = {
    nn.Module: {"inplace", *vars(nn.Module())},
    nn.modules.batchnorm._NormBase: {"momentum"},
    nn.modules.dropout._DropoutNd: {"p"},
}
"""By class what never changes an output in evaluation."""
_LATER = "\t"


def layer_lines(generator: nn.Module) -> tuple[str, ...]:
    r"""Describe each module of a plain generator in one line, sorted.

    A line has the module's path, its class's name, and the type and shape of each of its tensors. After these and a tab
    follow its hyper-parameters: every plain attribute that bears the name of an argument of its class's constructor,
    or that the class declares a constant. What a module counts or remembers is none, and what its ``forward`` does is
    not in a line. Some hyper-parameters stand before the tab, as the first piggygan wrote them.

    Example:
        >>> layer_lines(nn.Sequential(nn.LeakyReLU(0.2), nn.ELU()))
        ('. Sequential\t{}', '0 LeakyReLU negative_slope=0.2\t{}', '1 ELU\t{"alpha": 1}')
    """
    return tuple(sorted(_lines(generator, "")))


def as_first_written(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines that the first piggygan wrote for the same generator, which left most hyper-parameters out.

    Example:
        >>> as_first_written(layer_lines(nn.Sequential(nn.ELU())))
        ('. Sequential', '0 ELU')
    """
    return tuple(sorted(line.partition(_LATER)[0] for line in lines))


def are_first_written(lines: tuple[str, ...]) -> bool:
    """Say whether the first piggygan wrote these lines."""
    return not any(_LATER in line for line in lines)


def _lines(module: nn.Module, path: str) -> Iterator[str]:
    words = [path or ".", type(module).__name__]
    # torch keeps its settings in the instance; a property of the same name is the user's own business.
    settings = {name: vars(module)[name] for name in SETTINGS if name in vars(module)}
    words += [f"{name}={json.dumps(value)}" for name, value in settings.items() if _is_flat(value)]
    tensors = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
    for name, tensor in sorted(tensors.items()):
        words.append(f"{name}={str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}")
    later = {name: value for name, value in _hyper_parameters(module).items() if name not in settings}
    yield " ".join(words).replace(_LATER, " ") + _LATER + json.dumps(later, sort_keys=True)
    for name, child in module.named_children():
        yield from _lines(child, f"{path}.{name}" if path else name)


def _hyper_parameters(module: nn.Module) -> dict[str, object]:
    """Return what a module was made with, as far as it kept it under its own name, or with ``_`` before it."""
    names: set[str] = set()
    ignored: set[str] = set()
    for cls in type(module).__mro__:
        names.update(vars(cls).get("__constants__", ()))
        if isinstance(made_by := vars(cls).get("__init__"), FunctionType):
            names.update(inspect.signature(made_by).parameters)
        ignored |= _OF_NO_EFFECT.get(cls, set())
    attributes = {*names, *(f"_{name}" for name in names)} - ignored
    return {name: _plain(value) for name, value in vars(module).items() if name in attributes and _is_plain(value)}


def _is_flat(value: object) -> bool:
    """Tell a setting from an object of the user's, whose text may hold its address in memory."""
    items = value if isinstance(value, (tuple, list)) else (value,)
    return all(item is None or isinstance(item, (bool, int, float, str)) for item in items)


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(item) for name, item in value.items())
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str, FunctionType, BuiltinFunctionType))


def _plain(value: object) -> object:
    """Return a value as JSON has it; a function, such as an activation, by its name."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (FunctionType, BuiltinFunctionType)):
        return value.__qualname__
    return int(value) if isinstance(value, float) and value.is_integer() else value  # ELU(1) is ELU(1.0)
