"""What a generator of pytorch-CycleGAN-and-pix2pix is, read off the names and shapes of its tensors.

Its files say nothing of the architecture: the reader is to repeat the options of the training. But layers are
numbered, so names and shapes determine all of it except dropout in a U-Net. What is read here is only a
conclusion; :func:`fitted` then holds every name and every shape against the network that it leads to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from piggygan.errors import CheckpointError, ConfigurationError
from piggygan.networks.normalization import NormKind
from piggygan.networks.resnet import ResNetGenerator
from piggygan.networks.unet import UNetGenerator

SUPPORTED = (
    "supported are the generators unet_128, unet_256, resnet_6blocks and resnet_9blocks of "
    "pytorch-CycleGAN-and-pix2pix with batch or instance norm, of any width"
)
MAX_DEPTH = 12
"""A U-Net that halves its sides more often would need images of more than 4096 pixels."""

COUNTER = "num_batches_tracked"
"""Ending of the one kind of tensor that is a whole number: batches that batch normalization has seen."""

_Known = TypeVar("_Known", UNetGenerator, ResNetGenerator)

_SHOWN = 5
_WRAPPING = ("module.", "_orig_mod.")  # of DataParallel and DistributedDataParallel, and of torch.compile
_STATISTICS = ("running_mean", "running_var", COUNTER)
_BLOCK_CONVOLUTION = re.compile(r"model\.(\d+)\.conv_block\.(\d+)\.weight")


def plain_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off what wrappers put before names, and call residual blocks as the repository does.

    Example:
        >>> list(plain_names({"module.model.10.block.1.weight": torch.zeros(1)}))
        ['model.10.conv_block.1.weight']
    """
    names = list(tensors)
    while names and (prefix := next((p for p in _WRAPPING if all(name.startswith(p) for name in names)), "")):
        names = [name.removeprefix(prefix) for name in names]
    names = [re.sub(r"^(model\.\d+)\.block\.", r"\1.conv_block.", name) for name in names]
    renamed = dict(zip(names, tensors.values(), strict=True))
    if len(renamed) < len(names):
        raise CheckpointError("it names residual blocks both block and conv_block: which are meant?")
    return renamed


def read_architecture(tensors: Mapping[str, Tensor], *, dropout: bool = False) -> UNetGenerator | ResNetGenerator:
    """Build the network that tensors with :func:`plain_names` belong to, without any values.

    Args:
        tensors: By name.
        dropout: Whether a U-Net has dropout, which no name tells; of a ResNet it is read.

    Returns:
        A network on the meta device; its ``arguments`` are the architecture.

    Raises:
        CheckpointError: If names and shapes are those of no generator that is supported.
        ConfigurationError: If ``dropout`` is asked of a ResNet that has none.
    """
    if "model.model.0.weight" in tensors:
        return _built(UNetGenerator, {**_unet_arguments(tensors), "dropout": dropout})
    if "model.1.weight" in tensors:
        resnet = _resnet_arguments(tensors)
        if dropout and not resnet["dropout"]:
            raise ConfigurationError(
                "dropout=True is for a U-Net, whose file cannot tell; this is a ResNet, and the numbers of its layers "
                "say that it has none."
            )
        return _built(ResNetGenerator, resnet)
    raise CheckpointError(f"its tensors {listed(list(tensors))} are none of a known generator; {SUPPORTED}.")


def _built(kind: type[_Known], arguments: Mapping[str, Any]) -> _Known:
    try:
        with torch.device("meta"):
            return kind(**arguments)
    except RuntimeError as error:  # more numbers than torch can count
        raise CheckpointError(f"its kernels are wider than any network's: {arguments}; {SUPPORTED}.") from error


def fitted(tensors: Mapping[str, Tensor], network: UNetGenerator | ResNetGenerator) -> dict[str, Tensor]:
    """Return exactly the tensors that a network has.

    Old torch versions saved statistics of instance norms, which use none: those are dropped. Older ones did not
    count the batches of batch norms, which changes nothing here: 0 is put in.

    Raises:
        CheckpointError: If another tensor is missing or too many, or has another shape.
    """
    expected = network.state_dict()
    if network.arguments["norm"] == "instance":
        tensors = {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[2] not in _STATISTICS}
    else:
        uncounted = [name for name in expected if name.endswith(COUNTER) and name not in tensors]
        tensors = {**tensors, **dict.fromkeys(uncounted, torch.tensor(0))}
    shapes = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    problems = {
        "unknown": [name for name in tensors if name not in shapes],
        "missing": [name for name in shapes if name not in tensors],
        "of another shape": [name for name in shapes if name in tensors and tuple(tensors[name].shape) != shapes[name]],
    }
    if any(problems.values()):
        found = "; ".join(f"{problem}: {listed(names)}" for problem, names in problems.items() if names)
        raise CheckpointError(
            f"it looks like {described(network)}, but its tensors are not all of that ({found}); {SUPPORTED}."
        )
    return {name: tensors[name].clone() if name.endswith(COUNTER) else tensors[name] for name in expected}


def described(network: UNetGenerator | ResNetGenerator) -> str:
    """Write a network as the call that makes it."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in network.arguments.items())
    return f"{type(network).__name__}({arguments})"


def listed(names: list[str]) -> str:
    """Return the first few names for a message, each cut to 80 characters, and how many more there are."""
    shown = ", ".join(
        name if name.isprintable() and len(name) <= 80 else f"{name[:80]!r}..." for name in names[:_SHOWN]
    )
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _unet_arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    width, in_channels = _sizes(tensors, "model.model.0.weight", 0, 1)
    (out_channels,) = _sizes(tensors, "model.model.3.weight", 1)
    depth, level = 2, "model.model.1.model"
    while f"{level}.3.model.1.weight" in tensors:
        depth, level = depth + 1, f"{level}.3.model"
        if depth > MAX_DEPTH:
            raise CheckpointError(f"it is a U-Net that halves its images more than {MAX_DEPTH} times; {SUPPORTED}.")
    norm, affine = _norm(tensors, f"{level}.3", f"{level}.4")
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "depth": depth,
        "width": width,
        "norm": norm,
        "affine": affine,
    }


def _resnet_arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    width, in_channels = _sizes(tensors, "model.1.weight", 0, 1)
    places: dict[int, set[int]] = {}  # of the convolutions in each residual block
    for name, tensor in tensors.items():
        if (found := _BLOCK_CONVOLUTION.fullmatch(name)) and tensor.ndim == 4:
            places.setdefault(int(found[1]), set()).add(int(found[2]))
    kinds = {tuple(sorted(block)) for block in places.values()}
    if kinds & {(0, 3), (0, 4)}:
        raise CheckpointError(
            f"its residual blocks pad with zeros (padding_type 'zero'), which ResNetGenerator does not; {SUPPORTED}."
        )
    if kinds not in ({(1, 5)}, {(1, 6)}):
        raise CheckpointError(f"its residual blocks have convolutions at {sorted(kinds) or 'no place'}; {SUPPORTED}.")
    (out_channels,) = _sizes(tensors, f"model.{17 + len(places)}.weight", 0)
    norm, affine = _norm(tensors, "model.1", "model.2")
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "blocks": len(places),
        "width": width,
        "norm": norm,
        "affine": affine,
        "dropout": kinds == {(1, 6)},
    }


def _norm(tensors: Mapping[str, Tensor], convolution: str, norm: str) -> tuple[NormKind, bool]:
    """Tell the kind of normalization; the repository gives a convolution a bias before instance norm only.

    Returns:
        The kind, and whether it learns a scale and a shift.
    """
    has_bias = f"{convolution}.bias" in tensors
    has_scale = f"{norm}.weight" in tensors
    has_statistics = f"{norm}.running_mean" in tensors
    if not has_bias and has_scale and has_statistics:
        return "batch", True
    if has_bias and not has_scale:
        return "instance", False
    if has_bias and not has_statistics:
        return "instance", True
    if has_bias:
        raise CheckpointError(
            f"its norms have weights and running statistics ({norm}) and its convolutions biases ({convolution}): that "
            f"is batch norm with biases, or instance norm of an old torch, and the file cannot tell; {SUPPORTED}."
        )
    raise CheckpointError(
        f"there is no known normalization after {convolution}, whose kernel has no bias (--norm none?); {SUPPORTED}."
    )


def _sizes(tensors: Mapping[str, Tensor], name: str, *axes: int) -> tuple[int, ...]:
    """Return sides of a kernel that must be there."""
    if name not in tensors:
        raise CheckpointError(f"it has {listed(list(tensors))}, but not {name}; {SUPPORTED}.")
    shape = tuple(tensors[name].shape)
    if len(shape) != 4 or 0 in shape:
        raise CheckpointError(f"{name} has the shape {shape}; needed is a kernel of four axes; {SUPPORTED}.")
    return tuple(shape[axis] for axis in axes)
