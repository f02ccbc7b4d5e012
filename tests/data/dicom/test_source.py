"""What is read of a DICOM file besides its pixels: identifiers, and the shape of a pixel."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pydicom
import pytest

from piggygan.data.dicom.image import is_dicom_file
from piggygan.data.dicom.source import SourceImage
from piggygan.data.image_file import read_image_file
from piggygan.errors import DicomError

WriteFilm = Callable[..., Path]
PIXELS = np.zeros((4, 6), dtype=np.uint8)


def source_image(path: Path) -> SourceImage:
    source = read_image_file(path, identify="patient").source
    assert source is not None
    return source


def test_identifiers_are_those_that_pydicom_reads(tmp_path: Path, write_film: WriteFilm) -> None:
    path = write_film(tmp_path / "film.dcm", PIXELS)
    film, found = pydicom.dcmread(path), source_image(path)
    assert found.sop_class == film.SOPClassUID
    assert found.sop_instance == film.SOPInstanceUID
    assert found.study == film.StudyInstanceUID
    assert found.series == film.SeriesInstanceUID


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", [None, "", "../../etc/x", "/etc/x", "Plantagenet", "1", "1..2", "1.02", "1." * 40])
def test_b22_what_is_no_identifier_is_refused_and_not_quoted(
    tmp_path: Path, write_film: WriteFilm, caplog: pytest.LogCaptureFixture, keyword: str, value: str | None
) -> None:
    path = write_film(tmp_path / "film.dcm", PIXELS, **{keyword: value})
    caplog.clear()
    with pytest.raises(DicomError, match="dicom_seg=False") as caught:
        source_image(path)
    assert value is None or len(value) < 3 or value not in str(caught.value) + caplog.text


def test_what_is_dicom_is_seen_from_the_content(tmp_path: Path, write_film: WriteFilm) -> None:
    (tmp_path / "posing.dcm").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (tmp_path / "short.dcm").write_bytes(b"DICM")
    assert is_dicom_file(write_film(tmp_path / "film", PIXELS))
    for name in ("posing.dcm", "short.dcm", "missing.dcm", "."):
        assert not is_dicom_file(tmp_path / name)


def test_b23_broken_elements_are_refused_without_their_text(tmp_path: Path, write_film: WriteFilm) -> None:
    data = write_film(tmp_path / "film.dcm", PIXELS).read_bytes()
    refused = 0
    for end in range(132, 900, 7):
        (tmp_path / "cut.dcm").write_bytes(data[:end])
        with contextlib.suppress(DicomError):
            source_image(tmp_path / "cut.dcm")
            continue
        with pytest.raises(DicomError) as caught:
            source_image(tmp_path / "cut.dcm")
        assert "Plantagenet" not in repr((caught.value, caught.value.__cause__, caught.value.__context__))
        refused += 1
    assert refused > 10


def test_space_and_side_are_read_where_they_are_what_they_should_be(tmp_path: Path, write_film: WriteFilm) -> None:
    path = write_film(tmp_path / "film.dcm", PIXELS, FrameOfReferenceUID="1.2.3", Laterality="L", ImageLaterality="B")
    assert (source_image(path).frame_of_reference, source_image(path).laterality) == ("1.2.3", "L")
    path = write_film(tmp_path / "film.dcm", PIXELS, FrameOfReferenceUID="Plantagenet", ImageLaterality="U")
    assert (source_image(path).frame_of_reference, source_image(path).laterality) == (None, None)


def test_a_source_comes_back_from_plain_values_and_nonsense_does_not(tmp_path: Path, write_film: WriteFilm) -> None:
    source = source_image(write_film(tmp_path / "film.dcm", PIXELS))
    fields = json.loads(json.dumps(asdict(source)))
    assert SourceImage.of_fields(fields) == source
    for wrong in ({"study": "../x"}, {"series": None}, {"laterality": "X"}, {"frame_of_reference": ""}):
        with pytest.raises(ValueError, match=r"identifier|laterality"):
            SourceImage.of_fields({**fields, **wrong})
