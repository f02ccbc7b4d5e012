"""Generators of pytorch-CycleGAN-and-pix2pix's own classes, known as the ones of ours that compute the same.

A registry whose base task was such a class is then built, verified, predicted with and exported without that
repository's code. Classes are compared by name and by every layer; whether they compute the same is for a caller to
prove, who has weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from piggygan.errors import PiggyganError
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.fingerprints import layer_lines
from piggygan.networks.padding import ReflectionPad
from piggygan.networks.pix2pix.layout import fitted, read_architecture

_THERE = {
    "UNetGenerator": "UnetGenerator",
    "_OutermostBlock": "UnetSkipConnectionBlock",
    "_SkipBlock": "UnetSkipConnectionBlock",
    "ResNetGenerator": "ResnetGenerator",
    "_ResidualBlock": "ResnetBlock",
    "ReflectionPad": "ReflectionPad2d",
}
"""What that repository, or torch, calls what stands at the same place there."""


def as_ours(generator: nn.Module) -> UNetGenerator | ResNetGenerator | None:
    """Return, without values, the network of ours that has the layers of one of theirs; None if it is none of theirs.

    The tensors of both have the same names.
    """
    if type(generator).__name__ not in ("UnetGenerator", "ResnetGenerator"):
        return None
    tensors = generator.state_dict()
    dropout = any(isinstance(module, nn.Dropout) for module in generator.modules())
    try:
        ours = read_architecture(tensors, dropout=dropout).float()  # whatever the process's default type is
        fitted(tensors, ours)
    except PiggyganError:
        return None
    here, there = dict(ours.named_modules()), dict(generator.named_modules())
    same = here.keys() == there.keys() and all(_is_namesake(module, there[path]) for path, module in here.items())
    return ours if same else None


def computes_the_same(ours: nn.Module, theirs: nn.Module, images: Tensor) -> bool:
    """Say whether both give the same bits; a class of the same name may have another ``forward``.

    Args:
        ours: What :func:`as_ours` gave; it gets the other's values.
        theirs: One with values, on the CPU, in evaluation mode.
        images: Images that it takes.
    """
    ours.to_empty(device="cpu").load_state_dict(theirs.state_dict())
    with torch.inference_mode():
        return torch.equal(ours.eval()(images), theirs(images))


def _is_namesake(ours: nn.Module, theirs: nn.Module) -> bool:
    if _THERE.get(type(ours).__name__, type(ours).__name__) != type(theirs).__name__:
        return False
    if isinstance(ours, ReflectionPad):
        return isinstance(theirs, nn.ReflectionPad2d) and set(theirs.padding) == {ours.padding}
    if any(True for _ in ours.children()):
        return not [*theirs.parameters(recurse=False), *theirs.buffers(recurse=False)]
    return layer_lines(ours) == layer_lines(theirs)
