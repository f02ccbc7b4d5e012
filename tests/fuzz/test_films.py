"""Forged films and pictures: pixels or a PiggyganError, in time, in little memory, without a name or an escape told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from piggygan.data import UntrustedReader
from tests.fuzz.dicom_format import dicoms
from tests.fuzz.driver import MOST_BYTES, MOST_SECONDS, Format, Outcome, fuzz, replay
from tests.fuzz.picture_formats import LARGEST, jpegs, pngs
from tests.fuzz.raster_formats import arrays, bmps, webps
from tests.fuzz.tiff_format import tiffs

PICTURES = {"png": pngs, "jpeg": jpegs, "tiff": tiffs, "webp": webps, "bmp": bmps, "numpy": arrays}
NAMES = ("dicom", *PICTURES)
Make = Callable[[str], Format]


@pytest.fixture(scope="module")
def reader() -> Iterator[UntrustedReader]:
    # What is waited for is three times what may be computed.
    with UntrustedReader(seconds=MOST_SECONDS / 3, memory=MOST_BYTES, max_pixels=LARGEST) as reader:
        yield reader


@pytest.fixture
def make(reader: UntrustedReader, tmp_path: Path, write_film: Callable[..., Path]) -> Make:
    def make(name: str) -> Format:
        if name == "dicom":
            pytest.importorskip("openjpeg")
            pytest.importorskip("jpeg_ls")
            return dicoms(tmp_path, reader, write_film)
        return PICTURES[name](tmp_path, reader)

    return make


@pytest.mark.parametrize("name", NAMES)
def test_no_forged_film_does_more_than_be_refused(make: Make, name: str) -> None:
    tested = make(name)
    assert replay(tested).counts["result"] >= len(tested.samples) - 1  # one of several frames is refused
    outcome = fuzz(tested, cases=600)
    assert outcome.counts["result"] > 10, outcome  # not all damage matters
    assert outcome.cases - outcome.counts["result"] > outcome.cases / 2, outcome
    assert outcome.counts["DecoderCrashError"] < outcome.cases / 20, outcome


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", NAMES)
def test_nor_does_one_of_very_many(make: Make, name: str, part: int, fuzz_many: Callable[..., Outcome]) -> None:
    outcome = fuzz_many(make(name), part=part, parts=4)
    assert outcome.counts["DecoderCrashError"] < outcome.cases / 20, outcome
