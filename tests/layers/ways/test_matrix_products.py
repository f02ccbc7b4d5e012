"""Products by oneDNN: the same numbers as torch's, differentiable as often, and none of it in a compiled graph."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from piggygan.layers.ways import matrix_products
from piggygan.layers.ways.matrix_products import linear, matmul


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let oneDNN have the small products too that are looked at here."""
    monkeypatch.setattr(matrix_products, "SMALL", 0)


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
def test_first_gradients_of_single_precision_are_torchs(name: str) -> None:
    product, shape = PRODUCTS[name]
    inputs = [torch.randn(size, requires_grad=True) for size in ((5, 3), shape)]
    plain = torch.nn.functional.linear if name == "by rows" else torch.matmul
    found = torch.autograd.grad(product(*inputs).sin().sum(), inputs)
    torch.testing.assert_close(found, torch.autograd.grad(plain(*inputs).sin().sum(), inputs))


def test_a_bias_is_added_whoever_multiplies(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, weight, bias = torch.randn(5, 3), torch.randn(4, 3), torch.randn(4, requires_grad=True)
    for small in (0, 2**20):
        monkeypatch.setattr(matrix_products, "SMALL", small)
        found = linear(rows, weight, bias)
        torch.testing.assert_close(found, torch.nn.functional.linear(rows, weight, bias))
        assert torch.autograd.grad(found.sum(), bias)[0].tolist() == [5.0] * 4


@pytest.mark.skipif(not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="needs oneDNN")
@pytest.mark.parametrize(("small", "expected"), [(5 * 3 * 4, True), (5 * 3 * 4 + 1, False)])
def test_small_products_are_torchs_own(small: int, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_products, "SMALL", small)
    rows = torch.randn(5, 3, requires_grad=True)
    for product, shape in PRODUCTS.values():
        made_by = type(product(rows, torch.randn(shape)).grad_fn).__name__
        assert (made_by == "_ProductBackward") is expected


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
