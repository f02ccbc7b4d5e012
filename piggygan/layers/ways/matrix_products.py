"""Matrix products of feature rows with filters, by oneDNN where it can.

On a processor torch gives float32 products to MKL, which knows few but Intel's well, and slows down when one side is
short. oneDNN reads the same matrices as they lie, in a half to a quarter of the time (docs/performance.md). Small
products are torch's own, since a call of oneDNN's takes some 14 microseconds whatever the size. So are those of a
compiled graph: its compiler cannot lower that call for most operands, and fuses what is around.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SMALL = 2**20
"""Multiply-adds below which torch's own product took less time (docs/performance.md)."""


def linear(
    rows: Float[Tensor, "rows numbers"],
    weight: Float[Tensor, "outputs numbers"],
    bias: Float[Tensor, " outputs"] | None = None,
) -> Float[Tensor, "rows outputs"]:
    """Multiply each row with each row of a matrix and add a bias, as :func:`torch.nn.functional.linear`."""
    if not _by_onednn(rows, weight):
        return functional.linear(rows, weight, bias)
    product: Tensor = _Product.apply(rows, weight, False)  # type: ignore[no-untyped-call]
    return product if bias is None else product + bias


def matmul(
    rows: Float[Tensor, "rows numbers"], matrix: Float[Tensor, "numbers outputs"]
) -> Float[Tensor, "rows outputs"]:
    """Multiply each row with each column of a matrix, as :func:`torch.matmul`."""
    if not _by_onednn(rows, matrix):
        return torch.matmul(rows, matrix)
    return _Product.apply(rows, matrix, True)  # type: ignore[no-any-return, no-untyped-call]


class _Product(torch.autograd.Function):
    """One function for both layouts, so that a gradient comes out in the layout of what it belongs to."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, matrix: Tensor, by_columns: bool) -> Tensor:
        ctx.save_for_backward(rows, matrix)
        ctx.by_columns = by_columns
        return _product(rows, matrix.T if by_columns else matrix)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        rows, matrix = ctx.saved_tensors
        of_rows, of_matrix, _ = ctx.needs_input_grad
        # A graph of gradients is made of the same function again.
        product = linear if torch.is_grad_enabled() else _product
        pair = (rows.T, outer.T) if ctx.by_columns else (outer.T, rows.T)
        return (
            product(outer, matrix if ctx.by_columns else matrix.T) if of_rows else None,
            product(*pair) if of_matrix else None,
            None,
        )


def _product(rows: Tensor, weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows.contiguous(), weight, None, "none", [], "")  # type: ignore[no-any-return]


def _by_onednn(rows: Tensor, matrix: Tensor) -> bool:
    return (
        rows.shape[0] * matrix.numel() >= SMALL
        and rows.dtype == torch.float32
        and rows.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )
