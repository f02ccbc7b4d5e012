"""Rescale, window and lookup tables as a file says them."""

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from piggygan.data.dicom.grayscale import LookupTable, Rescale, StoredFormat, Window
from piggygan.data.dicom.grayscale_elements import SHOWING, modality_of, window_of
from piggygan.errors import DicomError

UNSIGNED, SIGNED = StoredFormat(16, 12, signed=False), StoredFormat(16, 12, signed=True)
BIG_ENDIAN = StoredFormat(16, 12, signed=False, big_endian=True)


def table(descriptor: Any, data: Any, kind: str = "US") -> Sequence:
    item = Dataset()
    item.add_new(0x00283002, kind, descriptor)
    item.add_new(0x00283006, "OW" if isinstance(data, bytes) else "US", data)
    return Sequence([item])


def dataset(**attributes: Any) -> Dataset:
    made = Dataset()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_what_the_file_leaves_open_is_none() -> None:
    assert modality_of(Dataset(), UNSIGNED) is None
    assert window_of(Dataset(), UNSIGNED, None) is None
    assert modality_of(dataset(ModalityLUTSequence=Sequence([])), UNSIGNED) is None


def test_a_rescale_and_a_window_are_taken_the_first_of_several() -> None:
    assert modality_of(dataset(RescaleSlope="2", RescaleIntercept="-1024"), UNSIGNED) == Rescale(2.0, -1024.0)
    found = window_of(dataset(WindowCenter=[40, 600], WindowWidth=[400, 1600]), UNSIGNED, None)
    assert found == Window(40.0, 400.0, "LINEAR")
    sigmoid = dataset(WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID")
    assert window_of(sigmoid, UNSIGNED, None) == Window(40.0, 400.0, "SIGMOID")


@pytest.mark.parametrize("half", ["RescaleSlope", "RescaleIntercept"])
def test_half_a_rescale_is_refused(half: str) -> None:
    with pytest.raises(DicomError, match="one is missing"):
        modality_of(dataset(**{half: 1}), UNSIGNED)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"WindowCenter": 1}, "one is missing"),
        ({"WindowWidth": 1}, "one is missing"),
        ({"WindowCenter": 1, "WindowWidth": 2, "VOILUTFunction": "CUBIC"}, "none of the standard's"),
    ],
)
def test_half_a_window_and_an_unknown_function_are_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(DicomError, match=message):
        window_of(dataset(**attributes), UNSIGNED, None)


def test_a_table_comes_before_numbers() -> None:
    both = dataset(ModalityLUTSequence=table([2, 0, 8], [1, 2]), RescaleSlope=2, RescaleIntercept=0)
    assert isinstance(modality_of(both, UNSIGNED), LookupTable)
    both = dataset(VOILUTSequence=table([2, 0, 8], [1, 2]), WindowCenter=1, WindowWidth=2)
    assert isinstance(window_of(both, UNSIGNED, None), LookupTable)


@pytest.mark.parametrize(
    ("form", "stored", "first"),
    [(UNSIGNED, 0xFF00, 0xFF00), (SIGNED, 0xFF00, -256), (SIGNED, 5, 5), (UNSIGNED, -256, 0xFF00)],
)
def test_the_first_input_has_the_sign_of_the_stored_values(form: StoredFormat, stored: int, first: int) -> None:
    found = modality_of(dataset(ModalityLUTSequence=table([2, stored, 8], [1, 2], "US" if stored >= 0 else "SS")), form)
    assert isinstance(found, LookupTable)
    assert found.first == first


def test_after_a_modality_table_the_windows_first_input_is_unsigned() -> None:
    sequence = dataset(VOILUTSequence=table([2, 0xFF00, 8], [1, 2]))
    after_table = window_of(sequence, SIGNED, LookupTable(0, 16, np.zeros(1)))
    after_rescale = window_of(sequence, SIGNED, Rescale(1.0, 0.0))
    assert isinstance(after_table, LookupTable)
    assert isinstance(after_rescale, LookupTable)
    assert (after_table.first, after_rescale.first) == (0xFF00, -256)


def test_a_count_of_zero_is_65536() -> None:
    found = modality_of(
        dataset(ModalityLUTSequence=table([0, 0, 16], np.arange(1 << 16, dtype="<u2").tobytes())), UNSIGNED
    )
    assert isinstance(found, LookupTable)
    assert found.entries.tolist() == list(range(1 << 16))


@pytest.mark.parametrize(
    ("data", "form"),
    [
        ([7, 8, 9], UNSIGNED),
        (b"\x07\0\x08\0\x09\0", UNSIGNED),
        (b"\0\x07\0\x08\0\x09", BIG_ENDIAN),
        (b"\x07\x08\x09\0", UNSIGNED),  # 8 bits an entry, and a byte that fills up
    ],
)
def test_entries_come_as_numbers_words_of_either_order_or_packed_bytes(data: Any, form: StoredFormat) -> None:
    found = modality_of(dataset(ModalityLUTSequence=table([3, 0, 8], data)), form)
    assert isinstance(found, LookupTable)
    assert found.entries.tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("descriptor", "data", "message"),
    [
        ([3, 0], [1, 2, 3], "does not have three numbers"),
        ([3, 0, 8], [1, 2], "does not hold the 3 values of 8 bits"),
        ([3, 0, 8], b"\1\2\3\4\5\6\7\7", "does not hold the 3 values"),
        ([2, 0, 4], [1, 16], "does not hold the 2 values of 4 bits"),
        ([2, 0, 17], [1, 2], "of 17 bits"),
        ([2, 0, 0], [0, 0], "of 0 bits"),
    ],
)
def test_a_table_that_is_not_what_it_announces_is_refused(descriptor: Any, data: Any, message: str) -> None:
    with pytest.raises(DicomError, match=message):
        modality_of(dataset(ModalityLUTSequence=table(descriptor, data)), UNSIGNED)


def test_all_that_is_read_here_is_asked_for() -> None:
    everything = dataset(
        RescaleSlope=1,
        RescaleIntercept=0,
        WindowCenter=1,
        WindowWidth=2,
        VOILUTFunction="LINEAR",
        ModalityLUTSequence=Sequence([]),
        VOILUTSequence=Sequence([]),
    )
    assert sorted(SHOWING) == [int(element.tag) for element in everything]
