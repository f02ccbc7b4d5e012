"""Which network a name means, and which name a network has."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.jobs.config import NetworkConfig
from piggygan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator
from piggygan.terminal.guessing import did_you_mean

UNETS = tuple(f"unet_{2**depth}" for depth in range(5, 11))
"""U-Nets by the side of the pictures that they bring down to one pixel; of the pix2pix repository are 128 and 256."""
RESNETS = ("resnet_6blocks", "resnet_9blocks")
WIDTH = 64
SMALLEST_UNET_SIDE = 32
DEEPEST = 8
"""Most halvings of a U-Net that is chosen by the size; pix2pix's have no more."""


def unet_for(size: int) -> str:
    """Name the U-Net for pictures of a size: the deepest whose side divides it.

    Raises:
        ConfigurationError: If no U-Net has room to learn at this size.

    Example:
        >>> unet_for(256), unet_for(320), unet_for(512)
        ('unet_256', 'unet_64', 'unet_256')
    """
    side = min(size & -size, 2**DEEPEST)
    if side < SMALLEST_UNET_SIDE:
        near = max(SMALLEST_UNET_SIDE, round(size / SMALLEST_UNET_SIDE) * SMALLEST_UNET_SIDE)
        raise ConfigurationError(
            f"a U-Net halves pictures at least 5 times, and --size {size} is no multiple of {SMALLEST_UNET_SIDE}: take "
            f"--size {near}, or --net resnet_6blocks, which takes multiples of 4."
        )
    return f"unet_{side}"


def side_of(net: str | None) -> int | None:
    """Return the side of the pictures that a U-Net brings down to one pixel; other networks have none.

    Example:
        >>> side_of("unet_128"), side_of("resnet_9blocks")
        (128, None)
    """
    return int(net.removeprefix("unet_")) if net in UNETS else None


def check_size(net: str, size: int) -> None:
    """Refuse a size that a network does not take.

    Raises:
        ConfigurationError: If the side is no multiple of what the network needs.
    """
    if net in UNETS:
        multiple = int(net.removeprefix("unet_"))
    elif net in RESNETS:
        multiple = 4
    else:
        return
    if size % multiple:
        near = max(multiple, round(size / multiple) * multiple)
        raise ConfigurationError(
            f"{net} takes pictures whose side is a multiple of {multiple}, and --size is {size}: take --size {near} "
            f"or another --net."
        )


def make_generator(config: NetworkConfig, in_channels: int, out_channels: int) -> nn.Module:
    """Make the network that a settled configuration names.

    Raises:
        ConfigurationError: If no network is called so, or a function of one's own gives none.
    """
    net = str(config.net)
    chosen: dict[str, Any] = {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "width": config.width,
        "norm": config.norm,
        "dropout": config.dropout,
    }
    if net in UNETS:
        return UNetGenerator(depth=int(net.removeprefix("unet_")).bit_length() - 1, **chosen)
    if net in RESNETS:
        return ResNetGenerator(blocks=int(net[len("resnet_")]), **chosen)
    if ":" in net:
        return _made_by_own(net, in_channels, out_channels)
    known = [*UNETS, *RESNETS]
    raise ConfigurationError(
        f"there is no network {net!r}: {did_you_mean(net, known)}There are {', '.join(known)}, and module:function for "
        f"one of your own."
    )


def make_discriminator(channels: int, config: NetworkConfig, layers: int) -> PatchDiscriminator:
    """Make a discriminator that suits a settled generator."""
    norm = config.norm or "instance"
    return PatchDiscriminator(channels, width=config.width or WIDTH, layers=layers, norm=norm)


def described(generator: nn.Module) -> NetworkConfig:
    """Say what a plain generator is called; of one of the user's own nothing is known."""
    if isinstance(generator, UNetGenerator):
        arguments, net = generator.arguments, f"unet_{2 ** generator.arguments['depth']}"
    elif isinstance(generator, ResNetGenerator):
        arguments, net = generator.arguments, f"resnet_{generator.arguments['blocks']}blocks"
    else:
        return NetworkConfig()
    return NetworkConfig(net, None, arguments["width"], arguments["norm"], arguments["dropout"])


def is_own(net: str | None) -> bool:
    """Say whether a name is that of a function of the user's own."""
    return net is not None and re.fullmatch(r"[\w.]+:[\w.]+", net) is not None


def _made_by_own(net: str, in_channels: int, out_channels: int) -> nn.Module:
    name, _, attribute = net.partition(":")
    try:
        with _working_folder_first():
            function: Any = importlib.import_module(name)
        for part in attribute.split("."):
            function = getattr(function, part)
        inspect.signature(function).bind(in_channels=in_channels, out_channels=out_channels)
        made = function(in_channels=in_channels, out_channels=out_channels)
    except Exception as error:  # whatever the user's code raises
        raise ConfigurationError(
            f"--net {net} gave no network ({type(error).__name__}: {error}): it is to be a function that takes "
            f"in_channels= and out_channels=, of a module in this folder or installed."
        ) from error
    if not isinstance(made, nn.Module):
        raise ConfigurationError(f"--net {net} gave a {type(made).__name__}; it is to give a torch.nn.Module.")
    return made


@contextmanager
def _working_folder_first() -> Iterator[None]:
    """Find modules in the working folder, as ``python -m`` does and a console script does not."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
