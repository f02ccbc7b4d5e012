"""TaskFilters: what one task stores in one convolution."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, TaskStateError
from piggygan.layers.freezing import freeze
from piggygan.layers.starts import Start

_SCALED, _FACTORS = "scaled_factors", "factors"


class TaskFilters(nn.Module):
    """What one task stores in one layer.

    A state dict holds the factorization matrix itself, as ``factors``, whether the task is in training or frozen. In
    training it is a copy, and writing into it is a ``RuntimeError``: it would change nothing here.

    Attributes:
        scaled_factors: In training, ``(composed, bank)`` divided by ``factor_step``; None if nothing is composed.
        factors: Once frozen, the matrix itself; None before, and if nothing is composed.
        unconstrained: Filters of its own in the convolution's own layout, so that neither its call nor the optimizer
            has to copy them: ``(unconstrained, c_in / groups, *k)``, or ``(c_in, unconstrained / groups, *k)`` if
            transposed; None if all is composed.
        bias: ``(c_out,)`` or None.
        picked: Which of the sources' filters are the bank, ``(bank,)``, in every group the same; None: all.
        sources: Tasks whose own filters are the bank, oldest first.
        factor_step: Factors in training are stored divided by this, so that a step of Adam, about as long for every
            parameter, moves a factor (of order 1) that many times farther than a weight (of order 0.02).
            1 once frozen.
        in_channels: Channels that its layer takes.
        out_channels: Filters of the task, composed and own.
        composed: How many of them are composed.
        bank_width: How many bank filters of one group are mixed.
        is_frozen: Whether nothing of it can change any more.
    """

    scaled_factors: Tensor | None
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
        in_channels: int,
        out_channels: int,
    ) -> None:
        super().__init__()
        if not (math.isfinite(factor_step) and factor_step > 0):
            raise ConfigurationError(f"factor_step is {factor_step}; it is a positive number, 1 for the paper's.")
        self.sources = sources
        self.factor_step = factor_step
        self.in_channels, self.out_channels = in_channels, out_channels
        self.composed, self.bank_width = (0, 0) if start.factors is None else start.factors.shape
        scaled = None if start.factors is None else start.factors / factor_step
        for name, tensor in ((_SCALED, scaled), ("unconstrained", start.unconstrained), ("bias", start.bias)):
            self.register_parameter(name, None if tensor is None else nn.Parameter(tensor))
        self.register_buffer(_FACTORS, None)
        self.register_buffer("picked", start.picked)
        self.is_frozen = False

    @property
    def module(self) -> TaskFilters:
        """The module that holds the tensors."""
        return self

    def true_factors(self) -> Tensor:
        """Return the factorization matrix itself, ``(composed, bank)``."""
        if self.factors is not None:  # frozen, or lent for one call: torch.func.functional_call(model, state_dict, ...)
            return self.factors
        if self.scaled_factors is None:
            raise TaskStateError("this layer is wholly unconstrained for the task: it has no factors.")
        return self.scaled_factors if self.factor_step == 1.0 else self.scaled_factors * self.factor_step

    def tensors(self) -> dict[str, Tensor | None]:
        """Return what is stored, by name; the factors as the matrix itself."""
        return {
            "factors": self.true_factors() if self.composed else None,
            "unconstrained": self.unconstrained,
            "bias": self.bias,
            "picked": self.picked,
        }

    def load(self, name: str, tensor: Tensor) -> None:
        """Copy in one of the tensors by name, ``factors`` as the matrix itself."""
        if name == _FACTORS and self.scaled_factors is not None:
            self.scaled_factors.copy_(tensor / self.factor_step)
        else:
            getattr(self, name).copy_(tensor)

    def freeze(self) -> None:
        """Turn the parameters into buffers, the factors into the matrix itself."""
        if self.scaled_factors is not None:
            with torch.no_grad():
                self.factors = self.scaled_factors * self.factor_step
            self.scaled_factors = None
        self.factor_step = 1.0
        freeze(self)
        self.is_frozen = True

    # The parameter has a name of its own, so that nobody who matches names takes it for the matrix, or the reverse.
    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.scaled_factors is None or keep_vars:  # with keep_vars the parameters themselves are wanted
            return
        scaled = destination.pop(prefix + _SCALED)
        with torch.inference_mode(self.factor_step != 1.0):  # what is made here refuses to be written into
            destination[prefix + _FACTORS] = scaled if self.factor_step == 1.0 else scaled * self.factor_step

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        factors, scaled = prefix + _FACTORS, prefix + _SCALED
        if self.scaled_factors is not None and factors in state_dict:
            state_dict = dict(state_dict)
            state_dict[scaled] = state_dict.pop(factors) / self.factor_step
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        missing_keys[:] = [factors if key == scaled else key for key in missing_keys]

    def extra_repr(self) -> str:
        """Show shapes and state when the layer is printed."""
        shapes = {name: tuple(tensor.shape) for name, tensor in self.state_dict().items()}
        return f"{shapes}, sources={self.sources}, frozen={self.is_frozen}"
