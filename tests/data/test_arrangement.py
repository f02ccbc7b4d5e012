"""With how many channels files are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from piggygan.data.arrangement import channels_of, some_of
from piggygan.data.folders import PairFiles
from piggygan.data.survey import SurveyedFile
from piggygan.errors import DatasetError


def chosen(*bands: int | None, wanted: int | None = None, grey: int = 3) -> int:
    paths = [Path(str(number)) for number in range(len(bands))]
    known = {path: SurveyedFile("", count) for path, count in zip(paths, bands, strict=True)}
    return channels_of(paths, known, wanted, "inputs", grey)


@pytest.mark.parametrize(
    ("bands", "wanted", "grey", "channels"),
    [
        ((1, 1), None, 3, 3),
        ((1, 1), None, 1, 1),
        ((1, 3), None, 1, 3),
        ((3, 3), 1, 3, 1),
        ((5, 5), None, 3, 5),
        ((4, 4), 4, 3, 4),
        ((None, None), None, 3, 3),
    ],
)
def test_channels_are_those_of_the_files_or_as_wanted(
    bands: tuple[int | None, ...], wanted: int | None, grey: int, channels: int
) -> None:
    assert chosen(*bands, wanted=wanted, grey=grey) == channels


@pytest.mark.parametrize(
    ("bands", "wanted"), [((5, 4), None), ((5, 5), 3), ((5, 3), None), ((3, 3), 5), ((2, 2), None)]
)
def test_files_that_cannot_be_read_so_are_refused(bands: tuple[int, ...], wanted: int | None) -> None:
    with pytest.raises(DatasetError, match="channels"):
        chosen(*bands, wanted=wanted)


def test_some_are_taken_from_all_over_a_list() -> None:
    files = [PairFiles(str(number), Path("x")) for number in range(100)]
    assert [pair.name for pair in some_of(files, 4)] == ["0", "25", "50", "75"]
    assert some_of(files[:3], 16) == files[:3]
