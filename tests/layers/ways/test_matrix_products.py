"""Products by oneDNN: the same numbers as torch's, differentiable as often, and none of it in a compiled graph."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from piggygan.layers.ways.matrix_products import linear, matmul

PRODUCTS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], tuple[int, int]]] = {
    "by rows": (linear, (4, 3)),
    "by columns": (matmul, (3, 4)),
}
each_product = pytest.mark.parametrize("name", PRODUCTS)


@each_product
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_product_is_the_one_of_the_definition(name: str, dtype: torch.dtype) -> None:
    product, shape = PRODUCTS[name]
    rows, matrix = torch.randn(5, 3, dtype=dtype), torch.randn(shape, dtype=dtype)
    columns = matrix.T if name == "by rows" else matrix
    expected = [
        [sum(float(a) * float(b) for a, b in zip(row, column, strict=True)) for column in columns.T] for row in rows
    ]
    torch.testing.assert_close(product(rows, matrix), torch.tensor(expected, dtype=dtype))


@each_product
def test_first_and_second_gradients_are_those_of_finite_differences(name: str) -> None:
    product, shape = PRODUCTS[name]
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((5, 3), shape)]
    assert torch.autograd.gradcheck(product, inputs)
    assert torch.autograd.gradgradcheck(product, inputs)


@each_product
def test_second_gradients_of_single_precision_are_torchs(name: str) -> None:
    """Only there oneDNN is asked."""
    product, shape = PRODUCTS[name]
    inputs = [torch.randn(size, requires_grad=True) for size in ((5, 3), shape)]

    def second(compute: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, ...]:
        slopes = torch.autograd.grad(compute(*inputs).sin().sum(), inputs, create_graph=True)
        return torch.autograd.grad(sum(slope.square().sum() for slope in slopes), inputs)

    plain = second(torch.nn.functional.linear if name == "by rows" else torch.matmul)
    torch.testing.assert_close(second(product), plain)


@each_product
def test_a_compiled_graph_has_torchs_own_product(name: str) -> None:
    product, shape = PRODUCTS[name]
    seen: list[str] = []

    def look(graph: Any, _: Any) -> Any:
        seen.append(graph.code)
        return graph.forward

    inputs = [torch.randn(size, requires_grad=True) for size in ((5, 3), shape)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.compile imports parts of torch that are deprecated
        torch.compiler.reset()
        compiled = torch.compile(product, fullgraph=True, backend=look)
        torch.testing.assert_close(compiled(*inputs), product(*inputs))
    assert seen
    assert "mkldnn" not in seen[0]
    assert "_Product" not in seen[0]
