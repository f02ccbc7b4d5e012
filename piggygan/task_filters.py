"""TaskFilters: what one task stores in one convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from piggygan.errors import TaskStateError
from piggygan.freezing import freeze
from piggygan.starting import Start


class TaskFilters(nn.Module):
    """What one task stores in one layer.

    Attributes:
        factors: ``(composed, bank)`` divided by ``factor_step``, or None if nothing is composed.
        unconstrained: Filters of its own in the convolution's own layout, so that neither its call nor the optimizer
            has to copy them: ``(unconstrained, c_in / groups, *k)``, or ``(c_in, unconstrained / groups, *k)`` if
            transposed; None if all is composed.
        bias: ``(c_out,)`` or None.
        picked: Which of the sources' filters are the bank, ``(bank,)``, in every group the same; None: all.
        sources: Tasks whose own filters are the bank, oldest first.
        factor_step: Factors are stored divided by this, so that an optimizer step, about as long for every
            parameter, moves a factor (of order 1) that many times farther than a weight (of order 0.02).
            1 once frozen.
    """

    factors: Tensor | None
    unconstrained: Tensor | None
    bias: Tensor | None
    picked: Tensor | None

    def __init__(
        self,
        start: Start,
        *,
        sources: tuple[str, ...],
        factor_step: float,
    ) -> None:
        super().__init__()
        self.sources = sources
        self.factor_step = factor_step
        scaled = None if start.factors is None else start.factors / factor_step
        for name, tensor in (("factors", scaled), ("unconstrained", start.unconstrained), ("bias", start.bias)):
            self.register_parameter(name, None if tensor is None else nn.Parameter(tensor))
        self.register_buffer("picked", start.picked)
        self.is_frozen = False

    def true_factors(self) -> Tensor:
        """Return the factorization matrix itself, ``(composed, bank)``."""
        if self.factors is None:
            raise TaskStateError("this layer is wholly unconstrained for the task: it has no factors.")
        return self.factors if self.factor_step == 1.0 else self.factors * self.factor_step

    def freeze(self) -> None:
        """Turn the parameters into buffers, the factors into the matrix itself."""
        if self.factors is not None:
            with torch.no_grad():
                self.factors.mul_(self.factor_step)
        self.factor_step = 1.0
        freeze(self)
        self.is_frozen = True

    def extra_repr(self) -> str:
        """Show shapes and state when the layer is printed."""
        shapes = {name: tuple(tensor.shape) for name, tensor in self.state_dict().items()}
        return f"{shapes}, sources={self.sources}, frozen={self.is_frozen}"
