"""How a new task starts in one convolution: warm, as exactly an earlier task, or N(0, 0.02) as in the paper.

A fresh start is between the two: warm, but for filters of its own.

A warm start needs the earlier task's filters as mixtures of the new task's bank. The bank is made of whole
filters, so that is exact: a filter in the bank is selected, a composed one keeps its factors, moved to the
columns that its bank filters have now. Where the bank is bounded and lacks some of them, the start is the nearest
that there is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from piggygan.errors import ConfigurationError, InputError

RIDGE = 1e-13
"""Added to the Gram matrix of a bank, as a share of its trace: more than its rounding."""

NORMAL_STD = 0.02  # Isola et al. 2017, section 6.2; the paper starts factors and filters so


class Start(NamedTuple):
    """The first values of a task's tensors in one layer.

    Attributes:
        factors: ``(groups * composed, bank)``, or None where nothing is composed.
        unconstrained: ``(groups * own, c_in / groups, *k)``, or None where nothing is unconstrained.
        bias: ``(c_out,)`` or None.
        picked: Which filters of the sources are the bank, ``(bank,)``; None: all.
    """

    factors: Tensor | None
    unconstrained: Tensor | None
    bias: Tensor | None
    picked: Tensor | None = None


def warm_start(
    mixtures: Float[Tensor, "groups c_out bank"] | None,
    filters: Float[Tensor, "groups c_out c_in *k"],
    bias: Float[Tensor, " all_c_out"] | None,
    *,
    unconstrained: int,
) -> Start:
    """Split an earlier task's filters: the first of each group stay mixtures, the last are copied.

    Args:
        mixtures: The earlier filters as mixtures of the bank, ``(groups, c_out / groups, bank)``; None where
            all filters are copied.
        filters: The same filters themselves, ``(groups, c_out / groups, c_in / groups, *k)``.
        bias: The earlier bias.
        unconstrained: How many filters of each group are copied.
    """
    composed = filters.shape[1] - unconstrained
    factors = own = None
    if composed and mixtures is not None:
        factors = rearrange(mixtures[:, :composed], "g c n -> (g c) n").clone()
    if unconstrained:
        own = rearrange(filters[:, composed:], "g u ... -> (g u) ...").detach().clone()
    return Start(factors, own, None if bias is None else bias.detach().clone())


def empty_start(like: Tensor, *, factors: tuple[int, int], own: tuple[int, ...], bias: int) -> Start:
    """Take memory for factors, filters and bias, with whatever is in it.

    Args:
        like: A tensor of the wanted type and device.
        factors: Shape of the factors; without rows there are none.
        own: Shape of the unconstrained filters; without rows there are none.
        bias: Length of the bias; 0 for none.
    """
    return Start(
        like.new_empty(factors) if factors[0] else None,
        like.new_empty(own) if own[0] else None,
        like.new_empty(bias) if bias else None,
    )


def normal_start(empty: Start) -> Start:
    """Draw factors and filters of these shapes from N(0, 0.02), with a zero bias (Zhai et al. 2020)."""
    for drawn in (empty.factors, empty.unconstrained):
        if drawn is not None:
            drawn.normal_(0.0, NORMAL_STD)
    return empty if empty.bias is None else empty._replace(bias=empty.bias.zero_())


def with_fresh_filters(start: Start) -> Start:
    """Draw the filters of its own from N(0, 0.02), and leave factors and bias as they are."""
    own = start.unconstrained
    return start if own is None else start._replace(unconstrained=torch.empty_like(own).normal_(0.0, NORMAL_STD))


def selecting(columns: slice, bank_size: int, like: Tensor, groups: int) -> Float[Tensor, "groups selected bank"]:
    """Make mixtures that are one bank filter each: ``(groups, length of columns, bank_size)``."""
    eye = torch.eye(bank_size, dtype=like.dtype, device=like.device)[columns]
    return eye.expand(groups, -1, -1)


def remixed(
    factors: Float[Tensor, "all_composed old_bank"], columns: Int[Tensor, " old_bank"], bank_size: int, groups: int
) -> Float[Tensor, "groups composed bank"]:
    """Move an earlier task's factors to the columns that its bank filters have in a new bank.

    Args:
        factors: ``(groups * composed, old bank)``.
        columns: For each old bank filter, its column in the new bank.
        bank_size: Bank filters of one group in the new bank.
        groups: Groups of the convolution.

    Returns:
        ``(groups, composed, bank_size)``.
    """
    by_group = rearrange(factors, "(g c) n -> g c n", g=groups).detach()
    moved = by_group.new_zeros(groups, by_group.shape[1], bank_size)
    moved[:, :, columns] = by_group
    return moved


def bank_columns(widths: Mapping[str, int]) -> dict[str, slice]:
    """Say which columns of the factors stand for each source's filters.

    Args:
        widths: For each source, oldest first, the filters that it adds to a group's bank.

    Example:
        >>> bank_columns({"facades": 64, "lungs": 16})
        {'facades': slice(0, 64, None), 'lungs': slice(64, 80, None)}
    """
    ends = accumulate(widths.values())
    return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


def every_column(spans: Iterable[slice], device: torch.device) -> Int[Tensor, " columns"]:
    """List the columns of several spans, one after another."""
    return torch.cat([torch.arange(span.start, span.stop, device=device) for span in spans])


def bank_limit(max_bank: float, filters: int) -> int:
    """Return the most bank filters of a layer's group that has so many filters, at least 1.

    Raises:
        ConfigurationError: If the multiple is 0, below or no number.

    Example:
        >>> bank_limit(1.25, 64), bank_limit(0.25, 64), bank_limit(0.25, 3)
        (80, 16, 1)
    """
    if not (math.isfinite(max_bank) and max_bank > 0):
        raise ConfigurationError(
            f"max_bank is {max_bank}; give a multiple of a layer's filters above 0, such as 0.25 or 1.25."
        )
    return max(1, math.ceil(max_bank * filters - 1e-9))


def check_picked(picked: Int[Tensor, " picked"], bank_size: int, path: str) -> None:
    """Refuse what picks bank filters that there are not, or one twice.

    Raises:
        InputError: If it does, naming the layer by its path.
    """
    if not (picked.diff() > 0).all() or picked[0] < 0 or picked[-1] >= bank_size:
        raise InputError(f"{path} picks bank filters that are not rising numbers from 0 to {bank_size - 1}.")


def most_useful(usefulness: Float[Tensor, " bank"], limit: int) -> Int[Tensor, " limit"]:
    """Pick the bank filters with the highest scores, in the order of the bank; of equal ones the older.

    Example:
        >>> most_useful(torch.tensor([3.0, 1.0, 2.0, 2.0]), 2).tolist()
        [0, 2]
    """
    return usefulness.sort(descending=True, stable=True).indices[:limit].sort().values


def refitted(
    mixtures: Float[Tensor, "groups c_out bank"],
    bank: Float[Tensor, "groups bank numbers"],
    picked: Int[Tensor, " picked"],
) -> Float[Tensor, "groups c_out picked"]:
    """Write mixtures of a whole bank as the nearest mixtures of some of its filters (least squares).

    Where only picked filters are mixed, the mixtures are the same, bit for bit.
    """
    kept = torch.zeros(bank.shape[1], dtype=torch.bool, device=bank.device)
    kept[picked] = True
    dropped, some = mixtures[:, :, ~kept], mixtures[:, :, picked]
    if not dropped.any():
        return some
    left, right = bank[:, picked].double(), bank[:, ~kept].double()
    # Normal equations, far cheaper than a decomposition of the bank. Filters that are copies of each other make them
    # singular; the ridge then shares the weight among the copies.
    gram = left @ left.mT
    diagonal = gram.diagonal(dim1=1, dim2=2)
    trace = diagonal.sum(1, keepdim=True)
    diagonal += RIDGE * torch.where(trace > 0, trace, 1.0)  # where all filters are zeros, any mixture is as near
    wanted = dropped.double() @ (right @ left.mT)
    nearest = torch.cholesky_solve(wanted.mT, torch.linalg.cholesky(gram)).mT
    return some + nearest.to(some.dtype)
