"""Which convolutions can be wrapped, and for those that cannot, why."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.conv import _ConvNd

from piggygan.errors import UnsupportedModuleError
from piggygan.layers.bypasses import patched_methods

PLAIN = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (*PLAIN, *TRANSPOSED)


def unsupported_convolution(conv: nn.Module) -> str | None:
    """Say why a convolution cannot be wrapped, or None if it can."""
    kind = next((kind for kind in CONVOLUTIONS if isinstance(conv, kind)), None)
    if kind is None:
        return f"is a {type(conv).__name__}, no convolution"
    if isinstance(conv, nn.modules.lazy.LazyModuleMixin):
        return "is lazy: run the generator once so that its shapes are known"
    weight = conv._parameters.get("weight")
    if nn.utils.parametrize.is_parametrized(conv) or weight is None:
        return "has a parametrized weight (weight norm, spectral norm, ...): remove the parametrization first"
    if conv._forward_hooks or conv._forward_pre_hooks or conv._backward_hooks or conv._backward_pre_hooks:
        return "has hooks, which would not run: remove them first"
    if problem := patched(conv):
        return problem
    for name in ("forward", "_conv_forward"):
        if getattr(type(conv), name, None) is not getattr(kind, name, None):
            return f"is a {type(conv).__name__} with a {name} of its own, which would not run"
    if weight.is_meta:
        return "is on the meta device and has no values: materialize the generator first"
    return None


def check_convolution(conv: nn.Module, kind: type[_ConvNd], path: str, holder: str) -> _ConvNd:
    """Return a module that a layer of some name, for this kind of convolution, can hold.

    Raises:
        UnsupportedModuleError: Naming it by its path, and why.
    """
    if problem := unsupported_convolution(conv):
        raise UnsupportedModuleError(f"{path} cannot be wrapped: {problem}")
    if not isinstance(conv, kind):
        raise UnsupportedModuleError(f"{path} is a {type(conv).__name__}; a {holder} holds a {kind.__name__}.")
    return conv


def patched(module: nn.Module) -> str | None:
    """Say which method of a module, or of one inside it, was replaced on this one instance; None if none was.

    A convolution's would not run, and a copy's would go on using the tensors of the module that it was made for.
    """
    for path, part in module.named_modules():
        if names := patched_methods(part):
            where = f" in its {path}" if path else ""
            return f"has a {names[0]} put on this one instance{where}, which tasks could not share: make it a subclass"
    return None
