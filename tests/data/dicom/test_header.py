"""What a file says of its pixels is taken as it says it, or refused by the tag that is wrong."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.dicom.grayscale import StoredFormat
from piggygan.data.dicom.header import HEAD_BYTES, DicomPixels, describe_content, is_dicom_head, parse_dicom
from piggygan.data.dicom.image import read_dicom
from piggygan.errors import DicomError, InputTooLargeError
from tests.data.dicom.attributes import lut, without

Write = Callable[..., Path]

BYTES = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
WORDS = np.arange(12, dtype=np.int16).reshape(3, 4) * 300 - 600


def parse(path: Path, **arguments: Any) -> DicomPixels:
    chosen: dict[str, Any] = {"frame": None, "requirements": DicomRequirements(), "identify": "nothing"}
    return parse_dicom(path.read_bytes(), max_pixels=100, max_bytes=10_000, **{**chosen, **arguments})


def test_pixels_come_with_their_form_and_nothing_that_was_not_asked_for(write_dicom: Write) -> None:
    parsed = parse(write_dicom(WORDS, BitsStored=12, PixelPaddingValue=-600, PixelPaddingRangeLimit=-900))
    assert parsed.form == StoredFormat(16, 12, signed=True)
    assert parsed.words.shape == (3, 4)
    assert (parsed.is_inverted, parsed.modality, parsed.window, parsed.source) == (False, None, None, None)
    assert parsed.padding == (-900, -600)  # whichever of the two is larger
    assert parse(write_dicom(BYTES, PhotometricInterpretation="MONOCHROME1")).is_inverted
    with pytest.raises(DicomError, match=r"SOP Class UID .* is missing"):  # asked for, it has to be there
        parse(write_dicom(BYTES), identify="image")


def test_a_frame_is_chosen_where_there_are_several_and_only_one_that_is_there(write_dicom: Write) -> None:
    two = write_dicom(BYTES, NumberOfFrames=2, PixelData=BYTES.tobytes() + BYTES[::-1].tobytes())
    assert (parse(two, frame=1).words == BYTES[::-1]).all()
    for frame in (2, -1):
        with pytest.raises(DicomError, match=rf"frame is {frame}, and Number of Frames \(0028,0008\) is 2"):
            parse(two, frame=frame)
    assert (parse(write_dicom(BYTES), frame=0).words == BYTES).all()


def test_requirements_are_looked_at_before_pixels(write_dicom: Write) -> None:
    path = write_dicom(BYTES, BodyPartExamined="HAND", PixelData=b"\0\0")
    with pytest.raises(DicomError, match=r"Body Part Examined"):
        parse(path, requirements=DicomRequirements(body_part="chest"))


def test_a_presentation_that_contradicts_the_photometric_interpretation_is_not_guessed_away(write_dicom: Write) -> None:
    assert not parse(write_dicom(BYTES, PresentationLUTShape="IDENTITY")).is_inverted
    with pytest.raises(DicomError, match=r"Presentation LUT Shape \(2050,0020\) contradicts"):
        parse(write_dicom(BYTES, PresentationLUTShape="INVERSE"))


def test_a_description_is_had_of_a_file_whose_pixels_could_not_be(write_dicom: Write) -> None:
    path = without(write_dicom(BYTES, BodyPartExamined="CHEST"), "PixelData", "Rows")
    assert describe_content(path.read_bytes(), max_bytes=10_000).body_part == "CHEST"


@pytest.mark.parametrize("content", [b"", b"DICM", bytes(128) + b"DICN", bytes(HEAD_BYTES)])
def test_what_does_not_begin_as_dicom_is_said_to_be_none(content: bytes) -> None:
    assert not is_dicom_head(content[:HEAD_BYTES])
    with pytest.raises(DicomError, match="this is not a DICOM file"):
        describe_content(content, max_bytes=10_000)


def test_b03_an_object_without_pixels_is_refused(write_dicom: Write) -> None:
    with pytest.raises(DicomError, match=r"Pixel Data \(7FE0,0010\) is missing: there is no image in this object"):
        read_dicom(without(write_dicom(BYTES), "PixelData"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Rows": 0}, r"Rows \(0028,0010\) is 0"),
        ({"Columns": 0}, r"Columns \(0028,0011\) is 0"),
        ({"Rows": 4}, r"has 12 bytes; .* need 16"),
        ({"NumberOfFrames": 2}, r"Number of Frames \(0028,0008\) is 2: choose one, frame=0 to frame=1"),
        ({"NumberOfFrames": -1}, "Number of Frames"),
        ({"PhotometricInterpretation": "RGB"}, r"Photometric Interpretation \(0028,0004\) is RGB"),
        ({"PhotometricInterpretation": "SOMETHING"}, "not guessed"),
        ({"SamplesPerPixel": 3}, r"Samples per Pixel \(0028,0002\) is 3"),
        ({"BitsStored": 12, "HighBit": 11}, r"Bits Stored \(0028,0101\) 12"),
        ({"BitsAllocated": 12}, r"Bits Allocated \(0028,0100\) is 12"),
        ({"BitsStored": 0, "HighBit": 0}, "Bits Stored"),
        ({"HighBit": 3}, r"High Bit \(0028,0102\) 3"),
        ({"PixelRepresentation": 2}, "Pixel Representation"),
        ({"WindowCenter": 5, "WindowWidth": 0}, r"Window Width \(0028,1051\) is 0.0"),
        ({"WindowCenter": 5, "WindowWidth": -10}, "Window Width"),
        ({"WindowCenter": 5}, "one is missing"),
        ({"WindowCenter": 5, "WindowWidth": 10, "VOILUTFunction": "CUBIC"}, "none of the standard's; known are LINEAR"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, r"Rescale Slope \(0028,1053\) is 0"),
        ({"RescaleSlope": "1E300", "RescaleIntercept": 0}, "cannot hold"),
        ({"RescaleSlope": 2}, "one is missing"),
        ({"ModalityLUTSequence": lut(0, 4, [3, 99])}, r"LUT Data \(0028,3006\) in Modality LUT Sequence"),
    ],
)
def test_b04_to_b14_contradictions_name_their_tag_and_the_file(
    write_dicom: Write, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(DicomError, match=message) as caught:
        read_dicom(write_dicom(BYTES, **change))
    assert "image.dcm" in str(caught.value)


@pytest.mark.parametrize(
    "keyword", ["Rows", "Columns", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation"]
)
def test_b04_b08_b10_what_is_missing_is_not_guessed(write_dicom: Write, keyword: str) -> None:
    with pytest.raises(DicomError):
        read_dicom(without(write_dicom(BYTES), keyword))


def test_b05_more_pixel_bytes_than_announced_are_refused(write_dicom: Write) -> None:
    with pytest.raises(DicomError, match=r"has 24 bytes; .* need 12"):
        read_dicom(write_dicom(BYTES, PixelData=BYTES.tobytes() * 2))


def test_b06_zero_frames_are_one_when_the_bytes_are_one_frame(write_dicom: Write) -> None:
    assert torch.equal(read_dicom(write_dicom(BYTES, NumberOfFrames=0)), read_dicom(write_dicom(BYTES)))


def test_b06_more_pixels_than_the_cap_are_refused(write_dicom: Write) -> None:
    with pytest.raises(InputTooLargeError, match="65535 x 65535"):
        read_dicom(write_dicom(BYTES, Rows=65535, Columns=65535))
    with pytest.raises(InputTooLargeError):
        read_dicom(write_dicom(BYTES), max_pixels=11)


def test_b23_a_value_in_the_wrong_place_is_not_quoted(write_dicom: Write) -> None:
    path = write_dicom(BYTES, WindowCenter="1234567", WindowWidth=3)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1234567", b"Planted"))
    with pytest.raises(DicomError) as caught:
        read_dicom(path)
    assert "Planted" not in "".join(traceback.format_exception(caught.value))


def test_b26_a_bad_value_in_a_tag_that_is_not_needed_does_no_harm(write_dicom: Write) -> None:
    path = write_dicom(BYTES, PatientAge="012Y", StudyDate="20200101", SpecificCharacterSet="ISO_IR 100")
    whole = read_dicom(path)
    content = path.read_bytes()
    for good, bad in ((b"012Y", b"\xff\xfe??"), (b"20200101", b"nonsense"), (b"ISO_IR 100", b"ISO_IR 999")):
        content = content.replace(good, bad)
    path.write_bytes(content)
    assert torch.equal(read_dicom(path), whole)
