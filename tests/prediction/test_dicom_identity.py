"""The identity of a film, written byte for byte into what is made of it, and compared."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag

from piggygan.data.dicom.identity import PATIENT, STUDY, TRIAL, Identity
from piggygan.data.dicom.source import SourceImage
from piggygan.data.image_file import read_image_file
from piggygan.prediction.dicom_identity import referred_image, says_another, write_identity
from piggygan.prediction.dicom_seg import Algorithm, segmentation_bytes

WriteFilm = Callable[..., Path]
PIXELS = np.zeros((4, 6), dtype=np.uint8)
OTHER = {"PatientBirthDate": "19000101", "PatientSex": "F", "StudyDate": "19000101", "StudyTime": "120000"}
SOURCE = SourceImage("1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", "1.2.3", "1.2.3.5")


def source_of(path: Path) -> SourceImage:
    source = read_image_file(path, identify="patient").source
    assert source is not None
    return source


def segmentation(source: SourceImage, moment: str | None = None) -> bytes:
    pytest.importorskip("highdicom")
    return segmentation_bytes(PIXELS > 0, source, Algorithm("lungs", "ab" * 32, {}, moment))


def raw(dataset: Dataset, keyword: str) -> bytes | None:
    tag = Tag(tag_for_keyword(keyword) or 0)
    return dataset.get_item(tag).value if tag in dataset else None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("alphabet", "name"),
    [
        (None, "Doe^Jane"),
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("ISO_IR 144", "Люкceмбypг"),
    ],
)
@pytest.mark.parametrize("moment", [None, "2026-11-27T12:00:00+00:00"])
def test_a_segmentation_has_the_films_own_bytes(
    tmp_path: Path, write_film: WriteFilm, alphabet: Any, name: str, moment: str | None
) -> None:
    more = {} if alphabet is None else {"SpecificCharacterSet": alphabet}
    path = write_film(tmp_path / "film.dcm", PIXELS, **more, PatientName=name, PatientID="0815 ")
    film, found = pydicom.dcmread(path), pydicom.dcmread(io.BytesIO(segmentation(source_of(path), moment)))
    for keyword in (*PATIENT, *STUDY, "StudyDescription"):
        assert raw(found, keyword) == raw(film, keyword), keyword
    assert found.PatientName == film.PatientName == name
    assert found.StudyInstanceUID == film.StudyInstanceUID
    assert found.SegmentSequence[0].SegmentLabel == "lungs"  # our own words are read in that alphabet too


def test_another_identity_makes_another_object_at_one_moment(tmp_path: Path, write_film: WriteFilm) -> None:
    source, moment = source_of(write_film(tmp_path / "film.dcm", PIXELS)), "2026-11-27T12:00:00+00:00"
    same = [segmentation(source, moment) for _ in range(2)]
    assert same[0] == same[1]
    found = {
        pydicom.dcmread(io.BytesIO(segmentation(one, moment))).SOPInstanceUID
        for one in (source, replace(source, identity=None), replace(source, identity=Identity({"PatientID": "7"})))
    }
    assert len(found) == 3


def test_b23_nothing_of_the_patient_comes_with_it_but_what_the_study_needs(
    tmp_path: Path, write_film: WriteFilm
) -> None:
    found = pydicom.dcmread(io.BytesIO(segmentation(source_of(write_film(tmp_path / "film.dcm", PIXELS)))))
    of_the_film = {element.keyword for element in found.iterall() if "Plantagenet" in str(element.value)}
    assert of_the_film == {
        "PatientName", "PatientID", "ReferringPhysicianName", "AccessionNumber", "StudyID", "StudyDescription",
    }  # fmt: skip


def test_the_space_and_the_side_of_the_body_are_the_films(tmp_path: Path, write_film: WriteFilm) -> None:
    path = write_film(tmp_path / "film.dcm", PIXELS, FrameOfReferenceUID="1.2.9", ImageLaterality="R", Laterality="L")
    found = pydicom.dcmread(io.BytesIO(segmentation(source_of(path))))
    assert (found.FrameOfReferenceUID, found.Laterality) == ("1.2.9", "R")
    assert found["PositionReferenceIndicator"].is_empty
    odd = write_film(tmp_path / "film.dcm", PIXELS, FrameOfReferenceUID="Plantagenet", ImageLaterality="U")
    found = pydicom.dcmread(io.BytesIO(segmentation(replace(source_of(odd), identity=None))))
    assert "FrameOfReferenceUID" not in found
    assert "Laterality" not in found


def test_a_trial_and_a_removed_identity_are_said_as_the_standard_wants(tmp_path: Path, write_film: WriteFilm) -> None:
    path = write_film(
        tmp_path / "film.dcm",
        PIXELS,
        ClinicalTrialSponsorName="Sponsor",
        ClinicalTrialProtocolID="P1",
        ClinicalTrialSubjectReadingID="S1",
        PatientIdentityRemoved="YES",
    )
    found = pydicom.dcmread(io.BytesIO(segmentation(source_of(path))))
    assert all(keyword in found for keyword in TRIAL)  # of type 2 those that the film does not have
    assert (found.ClinicalTrialSponsorName, found.ClinicalTrialSubjectReadingID) == ("Sponsor", "S1")
    assert (found.PatientIdentityRemoved, found.DeidentificationMethod) == ("YES", "not said by the source")


def test_another_patient_or_study_is_seen(tmp_path: Path, write_film: WriteFilm) -> None:
    source = source_of(write_film(tmp_path / "film.dcm", PIXELS))
    assert source.identity is not None
    content = segmentation(source)
    assert not says_another(content, source)
    assert says_another(content, replace(source, identity=None))
    assert says_another(segmentation(replace(source, identity=None)), source)
    assert says_another(content, replace(source, study="1.9"))
    for keyword in source.identity.values:
        changed = Identity({**source.identity.values, keyword: OTHER.get(keyword, "other")})
        assert says_another(content, replace(source, identity=changed)), keyword


def test_an_image_to_refer_to_knows_which_it_is_and_no_more() -> None:
    image = referred_image(SOURCE, 4, 6)
    filled = {element.keyword for element in image if not element.is_empty}
    assert filled == {"SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns"}
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    before = set(image.keys())
    write_identity(image, SOURCE)
    assert set(image.keys()) == before
