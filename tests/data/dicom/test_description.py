"""What a film says it shows, and what can be required of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.dicom.image import describe_dicom, read_dicom
from piggygan.errors import DicomError

Write = Callable[..., Path]
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
CHEST = DicomRequirements(modalities=("CR", "DX"), body_part="CHEST", views=("PA", "AP"))
GOOD = {"Modality": "DX", "BodyPartExamined": "CHEST", "ViewPosition": "PA"}


def code(value: str) -> Sequence:
    item = Dataset()
    item.CodeValue = value
    return Sequence([item])


def test_everything_that_is_said_is_read(write_dicom: Write) -> None:
    film = describe_dicom(
        write_dicom(PIXELS, **GOOD, BurnedInAnnotation="NO", LossyImageCompression="01", PixelSpacing=[0.3, 0.15])
    )
    assert (film.modality, film.body_part, film.view) == ("DX", "CHEST", "PA")
    assert (film.burned_in, film.was_lossy, film.aspect) == (False, True, 2.0)
    assert film.position_is_known
    assert not film.is_program


def test_what_is_not_said_is_not_guessed(write_dicom: Write) -> None:
    film = describe_dicom(write_dicom(PIXELS))
    assert (film.modality, film.body_part, film.view, film.burned_in, film.was_lossy) == (None,) * 5
    assert film.aspect == 1.0
    assert film.spacing is None


def test_codes_speak_where_words_are_missing(write_dicom: Write) -> None:
    coded = {"Modality": "DX", "AnatomicRegionSequence": code("51185008"), "ViewCodeSequence": code("399348003")}
    film = describe_dicom(write_dicom(PIXELS, **coded))
    assert (film.body_part, film.view) == ("CHEST", "AP")
    assert describe_dicom(write_dicom(PIXELS, ViewCodeSequence=code("1"))).view is None
    assert describe_dicom(write_dicom(PIXELS, BodyPartExamined="THORAX")).body_part == "CHEST"


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({"PixelAspectRatio": [4, 3], "PixelSpacing": [1, 1]}, 4 / 3),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, 0.5),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.1]}, 2.0),
        ({"PixelSpacing": [100, 1]}, 1.0),
    ],
)
def test_the_shape_of_a_pixel_is_vertical_over_horizontal(
    write_dicom: Write, attributes: dict[str, Any], aspect: float
) -> None:
    assert describe_dicom(write_dicom(PIXELS, **attributes)).aspect == pytest.approx(aspect)


@pytest.mark.parametrize(
    ("attributes", "spacing"),
    [
        ({"PixelSpacing": [0.3, 0.15], "ImagerPixelSpacing": [0.4, 0.2]}, (0.3, 0.15)),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, (0.1, 0.2)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"PixelAspectRatio": [4, 3]}, None),
    ],
)
def test_the_size_of_a_pixel_is_the_calibrated_one_or_the_detectors(
    write_dicom: Write, attributes: dict[str, Any], spacing: tuple[float, float] | None
) -> None:
    said = describe_dicom(write_dicom(PIXELS, **attributes))
    assert said.spacing == spacing
    usable = [
        keyword for keyword in ("PixelSpacing", "ImagerPixelSpacing") if attributes.get(keyword) == list(spacing or ())
    ]
    assert said.spacing_from == (usable[0] if usable else None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Modality": "CT"}, r"Modality \(0008,0060\) is another one; needed is CR or DX"),
        ({"Modality": None}, r"Modality \(0008,0060\) is missing"),
        ({"BodyPartExamined": "SKULL"}, r"Body Part Examined \(0018,0015\) is another one; needed is CHEST"),
        ({"ViewPosition": "LL"}, r"View Position \(0018,5101\) is another one; needed is PA or AP"),
        ({"ViewPosition": None}, "missing"),
        ({"PatientPosition": "XX"}, r"Patient Position \(0018,5100\) is none that a patient can be in"),
    ],
)
def test_b25_another_film_than_required_is_refused(write_dicom: Write, change: dict[str, Any], message: str) -> None:
    attributes = {key: value for key, value in (GOOD | change).items() if value is not None}
    path = write_dicom(PIXELS, **attributes)
    with pytest.raises(DicomError, match=rf"image\.dcm.*{message}"):
        read_dicom(path, requirements=CHEST)
    read_dicom(path)  # where nothing is required it is an image as any


def test_a_film_as_required_is_read(write_dicom: Write) -> None:
    assert read_dicom(write_dicom(PIXELS, **GOOD, PatientPosition="HFP"), requirements=CHEST).shape == (1, 3, 4)


def test_b23_what_stands_in_the_wrong_place_is_quoted_neither_in_errors_nor_in_logs(
    write_dicom: Write, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_dicom(PIXELS, BodyPartExamined="THE BODY", Modality="THE MODA", ViewPosition="THE VIEW")
    # pydicom logs what breaks its rules, value and all.
    path.write_bytes(path.read_bytes().replace(b"THE BODY", b"P^LANTED").replace(b"THE VIEW", b"P^LANTED"))
    caplog.clear()
    for requirements in (CHEST, DicomRequirements(body_part="CHEST"), DicomRequirements(views=["PA"])):
        with pytest.raises(DicomError) as caught:
            read_dicom(path, requirements=requirements)
        assert "LANTED" not in str(caught.value)
    assert caplog.text == ""


def test_b24_burned_in_text_can_be_refused(write_dicom: Write) -> None:
    no_text = DicomRequirements(allow_burned_in=False)
    path = write_dicom(PIXELS, BurnedInAnnotation="YES")
    with pytest.raises(DicomError, match=r"Burned In Annotation \(0028,0301\) is YES.*allow_burned_in"):
        read_dicom(path, requirements=no_text)
    read_dicom(path)
    read_dicom(write_dicom(PIXELS), requirements=no_text)  # unknown is not yes


@pytest.mark.parametrize("start", [b"MZ", b"\x7fELF", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe"])
def test_b20_a_program_in_the_first_bytes_is_told_or_refused(write_dicom: Write, start: bytes) -> None:
    path = write_dicom(PIXELS)
    content = path.read_bytes()
    path.write_bytes(start + content[len(start) :])
    with pytest.warns(UserWarning, match="begins as a program does"):
        read_dicom(path)
    with pytest.raises(DicomError, match="begins as a program does"):
        read_dicom(path, requirements=DicomRequirements(allow_programs=False))


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")])
def test_two_tags_that_disagree_on_what_is_bright_are_refused(write_dicom: Write, photometric: str, shape: str) -> None:
    path = write_dicom(PIXELS, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    with pytest.raises(DicomError, match=r"Presentation LUT Shape \(2050,0020\) contradicts"):
        read_dicom(path)
    other = {"IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}[shape]
    read_dicom(write_dicom(PIXELS, PhotometricInterpretation=photometric, PresentationLUTShape=other))
