"""BaseFilters: what the base task stores in one convolution."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn.modules.conv import _ConvNd

from piggygan.layers.freezing import freeze


class BaseFilters:
    """The held convolution as one task's filters: all its own, none of them composed.

    It has the names of :class:`~piggygan.layers.task_filters.TaskFilters`, so that who computes with a task's filters
    need not know whose they are.

    Args:
        module: The convolution, which holds the tensors.
        is_frozen: Whether they can no longer change.

    Example:
        >>> from torch import nn
        >>> filters = BaseFilters(nn.Conv2d(3, 8, 1))
        >>> filters.out_channels, filters.composed, list(filters.tensors())
        (8, 0, ['weight', 'bias'])
    """

    composed = bank_width = 0
    sources: ClassVar[tuple[str, ...]] = ()
    picked = None

    def __init__(self, module: _ConvNd, is_frozen: bool = False) -> None:
        self.module = module
        self.is_frozen = is_frozen
        self.in_channels, self.out_channels = module.in_channels, module.out_channels

    @property
    def unconstrained(self) -> Tensor:
        """All filters, in the convolution's own layout."""
        return self.module.weight

    @property
    def bias(self) -> Tensor | None:
        """``(c_out,)`` or None."""
        return self.module.bias

    def tensors(self) -> dict[str, Tensor | None]:
        """Return what is stored, by name."""
        return {"weight": self.module.weight, "bias": self.module.bias}

    def load(self, name: str, tensor: Tensor) -> None:
        """Copy in one of the tensors by name."""
        getattr(self.module, name).copy_(tensor)

    def freeze(self) -> None:
        """Turn the parameters into buffers."""
        freeze(self.module)
        self.is_frozen = True
