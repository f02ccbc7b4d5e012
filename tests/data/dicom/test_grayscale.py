import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.data.dicom.grayscale import (
    LookupTable,
    Rescale,
    StoredFormat,
    Window,
    WindowFunction,
    default_range,
    modality_values,
    range_to_unit,
    significant,
    table_to_unit,
    window_to_unit,
)
from piggygan.errors import DicomError


def window_by_the_standard(x: float, c: float, w: float, function: str) -> float:
    """PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2 as they are printed, with y from 0 to 1."""
    if function == "LINEAR":
        if x <= c - 0.5 - (w - 1) / 2:
            return 0.0
        if x > c - 0.5 + (w - 1) / 2:
            return 1.0
        return (x - (c - 0.5)) / (w - 1) + 0.5
    if function == "LINEAR_EXACT":
        if x <= c - w / 2:
            return 0.0
        if x > c + w / 2:
            return 1.0
        return (x - c) / w + 0.5
    return 1.0 / (1.0 + math.exp(-4.0 * (x - c) / w))


@given(
    values=st.lists(st.integers(-2000, 2000), min_size=1, max_size=20),
    center=st.integers(-2000, 2000).map(lambda number: number / 2),
    width=st.integers(1, 4000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_follow_the_standard(values: list[int], center: float, width: int, function: WindowFunction) -> None:
    expected = []
    for value in values:
        try:
            expected.append(window_by_the_standard(value, center, width, function))
        except OverflowError:
            expected.append(0.0)
    unit = window_to_unit(np.array(values, dtype=np.float64), Window(center, width, function))
    np.testing.assert_allclose(unit, expected, rtol=0, atol=1e-12)


def test_a_narrow_sigmoid_far_away_does_not_overflow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unit = window_to_unit(np.array([-1e9, 1e9]), Window(0.0, 1e-3, "SIGMOID"))
    assert unit.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("function", "width"),
    [
        ("LINEAR", 0.0),
        ("LINEAR", 0.9),
        ("LINEAR", -5.0),
        ("LINEAR_EXACT", 0.0),
        ("SIGMOID", -1.0),
        ("LINEAR", math.nan),
    ],
)
def test_b14_a_width_that_makes_no_window_is_refused(function: WindowFunction, width: float) -> None:
    with pytest.raises(DicomError, match=r"Window Width \(0028,1051\) is"):
        window_to_unit(np.zeros(3), Window(10.0, width, function))


@given(
    numbers=st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=10),
    bits=st.integers(1, 16),
    signed=st.booleans(),
)
def test_b11_only_the_stored_bits_count_and_signs_extend_from_them(numbers: list[int], bits: int, signed: bool) -> None:
    expected = []
    for number in numbers:
        digits = format(number, "016b")[16 - bits :]
        value = int(digits, 2)
        expected.append(value - 2**bits if signed and digits[0] == "1" else value)
    form = StoredFormat(16, bits, signed=signed)
    assert significant(np.array(numbers), form).tolist() == expected
    low, high = form.limits
    assert all(low <= value <= high for value in expected)


def test_rescale_and_table_give_modality_values() -> None:
    stored = np.array([-5, 0, 1, 2, 99])
    assert modality_values(stored, Rescale(2.0, -3.0)).tolist() == [-13.0, -3.0, -1.0, 1.0, 195.0]
    table = LookupTable(first=0, bits=8, entries=np.array([10, 20, 40]))
    assert modality_values(stored, table).tolist() == [10.0, 10.0, 20.0, 40.0, 40.0]
    assert modality_values(stored, None).tolist() == [-5.0, 0.0, 1.0, 2.0, 99.0]


@pytest.mark.parametrize("slope", [0.0, math.nan, math.inf, 1e300, -1e35])
def test_b13_a_slope_without_sense_is_refused_without_a_warning(slope: float) -> None:
    with pytest.raises(DicomError, match=r"Rescale Slope \(0028,1053\)"):
        modality_values(np.array([1, 2]), Rescale(slope, 0.0))


def test_a_voi_table_spans_the_bits_it_announces() -> None:
    table = LookupTable(first=100, bits=12, entries=np.array([0, 2048, 4095]))
    unit = table_to_unit(np.array([0.0, 100.0, 101.0, 102.0, 5000.0]), table)
    np.testing.assert_allclose(unit, [0.0, 0.0, 2048 / 4095, 1.0, 1.0])


def test_the_default_range_leaves_out_padding_and_extremes() -> None:
    values = np.concatenate([np.arange(1001.0), [1e6]])
    assert default_range(values, (values < 1e6).astype(np.int64)) == (5.0, 995.0)
    assert default_range(values, np.ones(1002, dtype=np.int64))[1] < 1000
    with pytest.raises(DicomError, match="every pixel"):
        default_range(values, np.zeros(1002, dtype=np.int64))


@given(
    values=st.lists(st.integers(-50, 50), min_size=1, max_size=8, unique=True),
    counts=st.lists(st.integers(0, 40), min_size=8, max_size=8),
)
def test_the_default_range_is_that_of_the_pixels_counted(values: list[int], counts: list[int]) -> None:
    counts = counts[: len(values)]
    pixels = np.repeat(np.array(values, dtype=np.float64), counts)
    if pixels.size:
        found = default_range(np.array(values, dtype=np.float64), np.array(counts))
        np.testing.assert_allclose(found, np.percentile(pixels, [0.5, 99.5]), atol=1e-9)


def test_a16_a_constant_image_is_finite() -> None:
    assert range_to_unit(np.full(3, 7.0), 7.0, 7.0).tolist() == [0.0, 0.0, 0.0]
