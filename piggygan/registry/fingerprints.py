"""What a generator is made of, as text: enough to tell that weights belong to it, without naming code to import."""

from __future__ import annotations

import json
from collections.abc import Iterator

from torch import nn

SETTINGS = (
    "affine", "align_corners", "ceil_mode", "dilation", "eps", "groups", "kernel_size", "mode", "negative_slope",
    "normalized_shape", "num_groups", "output_padding", "output_size", "padding", "padding_mode", "scale_factor",
    "size", "stride", "track_running_stats", "upscale_factor",
)  # fmt: skip
"""Attributes of torch's modules that change what they compute. Part of the format: only a new version may differ."""


def layer_lines(generator: nn.Module) -> tuple[str, ...]:
    """Describe each module of a plain generator in one line, sorted.

    A line has the module's path, its class's name, its settings, and the type and shape of each of its tensors;
    what a module's ``forward`` does is not in it.

    Example:
        >>> layer_lines(nn.Sequential(nn.LeakyReLU(0.2)))
        ('. Sequential', '0 LeakyReLU negative_slope=0.2')
    """
    return tuple(sorted(_lines(generator, "")))


def _lines(module: nn.Module, path: str) -> Iterator[str]:
    words = [path or ".", type(module).__name__]
    # torch keeps its settings in the instance; a property of the same name is the user's own business.
    settings = {name: vars(module)[name] for name in SETTINGS if name in vars(module)}
    words += [f"{name}={json.dumps(value)}" for name, value in settings.items() if _is_plain(value)]
    tensors = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
    for name, tensor in sorted(tensors.items()):
        words.append(f"{name}={str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}")
    yield " ".join(words)
    for name, child in module.named_children():
        yield from _lines(child, f"{path}.{name}" if path else name)


def _is_plain(value: object) -> bool:
    """Tell a setting from an object of the user's, whose text may hold its address in memory."""
    items = value if isinstance(value, (tuple, list)) else (value,)
    return all(item is None or isinstance(item, (bool, int, float, str)) for item in items)
