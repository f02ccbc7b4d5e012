"""Rounded once, a tensor is written in fewer bits and read again without a further loss."""

import pytest
import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.files.precision import PRECISIONS, Precision, check_precision, lengthened, rounded, shortened
from piggygan.files.tensors import tensors_from_bytes, tensors_to_bytes

SHAPES = [(8, 3, 4, 4), (5, 7), (1, 3, 3, 3), (3, 1, 1, 1), (64, 33), (2, 2, 3)]
BYTES = {"bf16": 2.0, "int8": 1.0, "int4": 0.5}


def random(shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)) * scale


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.int32)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e30, 1e-38, 0.0])
def test_what_was_rounded_comes_back_to_the_bit(precision: Precision, shape: tuple[int, ...], scale: float) -> None:
    once = rounded(random(shape, scale), precision)
    assert torch.equal(bits(rounded(once, precision)), bits(once))
    written = tensors_from_bytes(tensors_to_bytes(shortened({"a": once}, precision)), "a file")
    read = lengthened(written, precision)
    assert read.keys() == {"a"}
    assert torch.equal(bits(read["a"]), bits(once))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_fewer_bytes_are_written(precision: Precision) -> None:
    tensor = rounded(random((64, 256)), precision)
    written = shortened({"a": tensor}, precision)
    assert "a" not in written
    assert sum(part.nbytes for part in written.values()) <= BYTES[precision] * tensor.numel() + 4 * 64 + 16


@pytest.mark.parametrize(("precision", "levels"), [("int8", 127), ("int4", 7)])
def test_no_number_moves_by_more_than_half_a_step_of_its_row(precision: Precision, levels: int) -> None:
    tensor = random((16, 300)) * torch.logspace(-3, 3, 16)[:, None]
    step = tensor.abs().amax(1, keepdim=True) / levels
    assert ((rounded(tensor, precision) - tensor).abs() <= 0.5001 * step + 0.001 * step).all()


def test_rows_do_not_share_a_scale() -> None:
    tensor = torch.tensor([[1000.0, 1.0], [0.001, 0.0005]])
    assert torch.allclose(rounded(tensor, "int8")[1], tensor[1], rtol=0.01)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_not_rounded_is_written_as_it_is(precision: Precision) -> None:
    exact = {
        "bias": random((5,)),
        "double": random((3, 3)).double(),
        "picked": torch.arange(6).view(2, 3),
        "none": torch.empty(0, 4),
        "unrounded": random((3, 50)),
        "infinite": torch.tensor([[torch.inf, 1.0]]),
    }
    written = shortened(exact, precision)
    assert {name for name in exact if name in written} >= exact.keys() - {"infinite"}
    read = lengthened(written, precision)
    assert all(torch.equal(read[name], exact[name]) and read[name].dtype == exact[name].dtype for name in exact)


def test_without_a_precision_nothing_is_touched() -> None:
    tensors = {"a": random((2, 2)), "a:scale": random((2,))}
    assert shortened(tensors, None) == tensors == lengthened(tensors, None)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_negative_zero_is_not_written_as_another(precision: Precision) -> None:
    tensor = torch.tensor([[-0.0, 1.0]])
    read = lengthened(shortened({"a": tensor}, precision), precision)["a"]
    assert torch.equal(bits(read), bits(tensor))


def written_in_4_bits() -> dict[str, Tensor]:
    return shortened({"a": rounded(random((3, 5)), "int4")}, "int4")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("a:scale", None, "a:scale is missing"),
        ("a:shape", None, "a:shape is missing"),
        ("a:scale", torch.ones(2), "2 scales"),
        ("a:scale", torch.ones(3, dtype=torch.float64), "no row"),
        ("a:shape", torch.tensor([3, 2**40]), "shape"),
        ("a:shape", torch.tensor([3, -5]), "shape"),
        ("a:shape", torch.tensor([], dtype=torch.int64), "shape"),
        ("a:int4", torch.zeros(3, 3), "float32"),
        ("a:int4", torch.zeros(3, 4, dtype=torch.uint8), "uint8"),
    ],
)
def test_what_was_not_so_written_is_refused(name: str, value: Tensor | None, said: str) -> None:
    written = written_in_4_bits()
    if value is None:
        del written[name]
    else:
        written[name] = value
    with pytest.raises(ValueError, match=said):
        lengthened(written, "int4")


def test_an_unknown_precision_is_refused_with_the_nearest() -> None:
    check_precision(None)
    check_precision("int8")
    with pytest.raises(ConfigurationError, match="did you mean 'int8'"):
        check_precision("int-8")
