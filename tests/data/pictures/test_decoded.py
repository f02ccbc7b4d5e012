"""What is decoded comes to 0..1 by the range of its type."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from piggygan.data.pictures.decoded import to_unit
from piggygan.errors import ImageError

FILM = Path("film.png")


@pytest.mark.parametrize(
    ("dtype", "largest"),
    [("bool", 1), ("uint8", 255), ("uint16", 65_535), ("int32", 65_535), ("uint32", 2**32 - 1), ("float64", 1)],
)
def test_the_largest_value_of_a_type_is_white_and_nought_is_black(dtype: str, largest: int) -> None:
    unit = to_unit(np.array([[0, largest]], dtype=dtype), FILM)
    assert unit.dtype == np.float32
    assert unit.tolist() == [[[0.0, 1.0]]]


def test_bands_come_first_and_lie_in_order() -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    unit = to_unit(values, FILM)
    assert unit.shape == (3, 2, 4)
    assert unit.flags.c_contiguous
    np.testing.assert_allclose(unit, values.transpose(2, 0, 1) / 255.0, atol=1e-7)


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan"), float("inf")])
def test_numbers_with_a_fraction_are_within_0_and_1(wrong: float) -> None:
    with pytest.raises(ImageError, match=r"^'film\.png' has numbers from .*: scale them to 0\.\.1\.$"):
        to_unit(np.array([[0.5, wrong]], dtype=np.float32), FILM)
    assert to_unit(np.array([[0.25]], dtype=np.float16), FILM).item() == 0.25


@pytest.mark.parametrize("dtype", ["int8", "int64", "complex64"])
def test_other_types_are_named(dtype: str) -> None:
    with pytest.raises(ImageError, match=f"pixels of type {dtype}, which are not read"):
        to_unit(np.zeros((1, 1), dtype=dtype), FILM)
