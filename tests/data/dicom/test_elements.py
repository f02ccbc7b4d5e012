"""Single values of a DICOM file: of the right type or refused by tag, never quoted."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from piggygan.data.dicom.elements import code_of, decimal_of, integer_of, tag_text, value_of
from piggygan.errors import DicomError

ROWS, FRAMES, SLOPE, MODALITY, CENTER = 0x00280010, 0x00280008, 0x00281053, 0x00080060, 0x00281050


def dataset(tag: int, vr: str, value: Any) -> Dataset:
    made = Dataset()
    made.add_new(tag, vr, value)
    return made


def test_a_tag_is_written_with_its_name_and_both_numbers() -> None:
    assert tag_text(0x7FE00010) == "Pixel Data (7FE0,0010)"


def test_an_empty_element_is_like_none() -> None:
    assert value_of(Dataset(), ROWS) is None
    for vr, empty in (("CS", ""), ("OB", b""), ("US", None)):
        assert value_of(dataset(MODALITY, vr, empty), MODALITY) is None
    assert value_of(dataset(ROWS, "US", 0), ROWS) == 0


def test_a_whole_number_is_one_and_nothing_else() -> None:
    assert integer_of(dataset(ROWS, "US", 7), ROWS) == 7
    assert integer_of(dataset(FRAMES, "IS", "3"), FRAMES) == 3
    assert integer_of(Dataset(), ROWS, default=5) == 5
    assert integer_of(dataset(ROWS, "US", 0), ROWS, default=5) == 0
    with pytest.raises(DicomError, match=r"^Rows \(0028,0010\) is missing$"):
        integer_of(Dataset(), ROWS)
    for vr, value in (("US", [1, 2]), ("LO", "Plantagenet"), ("OB", b"ab"), ("FD", 7.0)):
        with pytest.raises(DicomError, match=r"^Rows \(0028,0010\) is not one whole number$"):
            integer_of(dataset(ROWS, vr, value), ROWS, default=5)


def test_of_several_decimal_numbers_the_first_counts() -> None:
    assert decimal_of(dataset(CENTER, "DS", ["1.5", "9"]), CENTER) == 1.5
    assert decimal_of(dataset(CENTER, "DS", "2"), CENTER) == 2.0
    assert decimal_of(dataset(CENTER, "FD", 0.25), CENTER) == 0.25
    assert decimal_of(Dataset(), CENTER) is None
    assert decimal_of(dataset(CENTER, "DS", []), CENTER) is None


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_an_infinite_number_is_refused_by_tag(value: float) -> None:
    with pytest.raises(DicomError, match=r"^Rescale Slope \(0028,1053\) is infinite$"):
        decimal_of(dataset(SLOPE, "FD", value), SLOPE)


def test_a_code_is_in_capital_letters_and_the_first_of_several() -> None:
    assert code_of(dataset(MODALITY, "SH", " cr "), MODALITY) == "CR"
    assert code_of(dataset(MODALITY, "CS", ["DX", "CR"]), MODALITY) == "DX"
    for made in (Dataset(), dataset(MODALITY, "CS", ""), dataset(MODALITY, "CS", "  "), dataset(MODALITY, "US", 7),
                 dataset(MODALITY, "OB", b"CR"), dataset(MODALITY, "CS", [])):  # fmt: skip
        assert code_of(made, MODALITY) is None
