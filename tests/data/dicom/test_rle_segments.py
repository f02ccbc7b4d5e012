"""Run-length streams, counted as pydicom unpacks them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels.decoders.rle import _rle_decode_segment

from piggygan.data.dicom.rle_segments import check_segments, unpacked_length
from piggygan.errors import ImageError


@given(st.binary(max_size=300))
def test_bytes_are_counted_as_pydicom_unpacks_them(segment: bytes) -> None:
    assert unpacked_length(segment, 100_000) == len(_rle_decode_segment(segment))


def test_counting_ends_when_there_are_enough() -> None:
    assert unpacked_length(bytes([129, 0]) * 1_000_000, 1000) < 1200


@pytest.mark.parametrize("words", [(), (3,), (1, 65), (1, 0), (2, 64, 64), (1, 2**31)])
def test_headers_that_cannot_be_are_refused(words: tuple[int, ...]) -> None:
    header = np.zeros(16, dtype="<u4")
    header[: len(words)] = words
    with pytest.raises(ImageError):
        check_segments(header.tobytes()[: 64 if words else 10] + b"\0", 4, 1)
