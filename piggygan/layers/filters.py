"""The arithmetic of filters: pure functions of tensors and numbers, no modules, no state.

A *filter* is everything that makes one output channel. Here filters always lie along the first axis,
``(filters, c_in / groups, *kernel)``; PyTorch stores a convolution that way, but a transposed convolution as
``(c_in, c_out / groups, *kernel)``, filters second. :func:`filters_first` and :func:`native_layout` go
between the two by *transposing*: a reshape would cut every filter up and mix the pieces, which is the
mistake of the public re-implementations, and which an identity matrix does not show.

In a grouped convolution a filter sees one group's input channels only, so filters are mixed inside
their group: factors are stored ``(groups * composed, bank)`` with ``bank`` the filters of one group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from piggygan.errors import ConfigurationError

DEFAULT_FRACTION = 0.25
"""Share of filters that a task learns freely; lambda = 1/4 in the paper."""

DEFAULT_MAX_BANK = 0.25
"""Most bank filters, as a multiple of a layer's filters: the most useful quarter scores as all of them do, at half the
step; measured in docs/decisions.md."""


def unconstrained_count(c_out: int, fraction: float, groups: int = 1) -> int:
    """Count the filters of a layer that a task learns freely: ``ceil(fraction * c_out)``.

    In a grouped convolution every group gets the same number, so the result is a multiple of ``groups``.

    Args:
        c_out: Output channels of the layer.
        fraction: Share of unconstrained filters (lambda in the paper), 0..1.
        groups: Groups of the convolution.

    Raises:
        ConfigurationError: If ``fraction`` is outside 0..1.

    Example:
        >>> unconstrained_count(64, 0.25), unconstrained_count(3, 0.25), unconstrained_count(100, 0.07)
        (16, 1, 7)
    """
    if not 0.0 <= fraction <= 1.0:
        raise ConfigurationError(
            f"unconstrained_fraction is {fraction}; it is a share of a layer's filters, from 0 "
            f"(only mixtures of the bank) to 1 (a separate network)."
        )
    # 0.07 * 100 is 7.000000000000001 in floating point, and its ceiling must still be 7.
    return groups * math.ceil(fraction * (c_out // groups) - 1e-9)


def filters_first(kernel: Float[Tensor, ...], *, groups: int, transposed: bool) -> Float[Tensor, "filters c_in ..."]:
    """View a convolution's kernel with one filter a row, whatever the convolution's own layout.

    Args:
        kernel: ``(c_out, c_in / groups, *k)``, or ``(c_in, c_out / groups, *k)`` if transposed.
        groups: Groups of the convolution.
        transposed: Whether it is a transposed convolution.

    Returns:
        ``(c_out, c_in / groups, *k)``, a view where that is possible.
    """
    if not transposed:
        return kernel
    return rearrange(kernel, "(g i) o ... -> (g o) i ...", g=groups)


def native_layout(filters: Float[Tensor, "filters c_in ..."], *, groups: int, transposed: bool) -> Float[Tensor, ...]:
    """Lay filters out as the convolution wants its kernel: the inverse of :func:`filters_first`."""
    if not transposed:
        return filters.contiguous()
    return rearrange(filters, "(g o) i ... -> (g i) o ...", g=groups).contiguous()


def join(parts: Sequence[Tensor], *, groups: int, axis: int = 0) -> Tensor:
    """Concatenate along the filter axis (or channel axis), group by group.

    Args:
        parts: Tensors whose ``axis`` is ``groups * something``, alike in every other axis.
        groups: Groups of the convolution.
        axis: 0 for filters and biases, 1 for feature maps.

    Example:
        >>> first, second = torch.tensor([1, 2]), torch.tensor([8, 9])
        >>> join([first, second], groups=1).tolist(), join([first, second], groups=2).tolist()
        ([1, 2, 8, 9], [1, 8, 2, 9])
    """
    if len(parts) == 1:
        return parts[0]
    if groups == 1:
        return torch.cat(list(parts), dim=axis)
    split = [part.reshape(*part.shape[:axis], groups, -1, *part.shape[axis + 1 :]) for part in parts]
    return torch.cat(split, dim=axis + 1).flatten(axis, axis + 1)


def compose(
    factors: Float[Tensor, "composed bank"], bank: Float[Tensor, "filters c_in ..."], *, groups: int
) -> Float[Tensor, "composed c_in ..."]:
    """Make filters as weighted sums of whole bank filters (Zhai et al. 2020, equation 2).

    Args:
        factors: ``(groups * composed, bank)``, with ``bank`` the bank filters of one group.
        bank: ``(groups * bank, c_in / groups, *k)``.
        groups: Groups of the convolution.

    Example:
        >>> bank = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
        >>> compose(torch.tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), bank, groups=1).tolist()
        [[3.0, 30.0], [3.0, 30.0]]
    """
    rows = bank.flatten(1)
    if groups == 1:
        composed = factors @ rows
    else:
        by_group = rearrange(factors, "(g c) n -> g c n", g=groups)
        composed = (by_group @ rearrange(rows, "(g n) d -> g n d", g=groups)).flatten(0, 1)
    return composed.reshape(-1, *bank.shape[1:])


def mix(
    features: Float[Tensor, "batch channels ..."],
    factors: Float[Tensor, "composed bank"],
    bias: Float[Tensor, " composed"] | None,
    *,
    groups: int,
) -> Float[Tensor, "batch composed ..."]:
    """Mix the bank's feature maps with a 1x1 convolution, which equals convolving with composed filters.

    Args:
        features: The input convolved with every bank filter, ``(batch, groups * bank, *positions)``.
        factors: ``(groups * composed, bank)``.
        bias: One number a composed filter, or none.
        groups: Groups of the convolution.
    """
    axes = features.dim() - 2
    pointwise = factors.reshape(*factors.shape, *([1] * axes))
    return torch.convolution(features, pointwise, bias, [1] * axes, [0] * axes, [1] * axes, False, [0] * axes, groups)


def pick(bank: Float[Tensor, "filters ..."], picked: Int[Tensor, " picked"], *, groups: int) -> Float[Tensor, ...]:
    """Take some filters out of a bank, the same of each group.

    Example:
        >>> pick(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), torch.tensor([0, 2]), groups=2).tolist()
        [1.0, 3.0, 4.0, 6.0]
    """
    return rearrange(bank, "(g n) ... -> g n ...", g=groups)[:, picked].flatten(0, 1)


def task_parameters_count(*, filter_size: int, c_out: int, bank: int, unconstrained: int, groups: int = 1) -> int:
    """Count what a task stores in one layer, bias and norm aside: the closed form.

    ``filter_size * u + n * (c_out - u)`` with u unconstrained filters and n bank filters a group.

    Example:
        >>> task_parameters_count(filter_size=3 * 4 * 4, c_out=64, bank=64, unconstrained=16)
        3840
    """
    return filter_size * unconstrained + bank // groups * (c_out - unconstrained)
