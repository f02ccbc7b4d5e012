"""The patient, the study and the image that a DICOM file belongs to, written into it byte for byte and compared."""

from __future__ import annotations

import hashlib
from io import BytesIO

from pydicom import dcmread
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.tag import Tag

from piggygan.data.dicom.identity import KEYWORDS, PATIENT, STUDY, TRIAL
from piggygan.data.dicom.source import SourceImage

_UNSAID = "not said by the source"


def referred_image(source: SourceImage, rows: int, columns: int) -> Dataset:
    """Give highdicom an image to refer to that knows no more than which it is."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = source.sop_class, source.sop_instance
    image.StudyInstanceUID, image.SeriesInstanceUID = source.study, source.series
    image.Rows, image.Columns = rows, columns
    for keyword in (*PATIENT, *STUDY):
        setattr(image, keyword, None)
    return image


def write_identity(dataset: Dataset, source: SourceImage) -> None:
    """Write whose image and of which study it is: the bytes of the source, in its own alphabet.

    What the standard wants to be there without a value is there (type 2). Of an image that says nothing of its patient
    nothing is written.

    Args:
        dataset: A file that is not written yet, with the elements of :func:`referred_image`; only what is in ASCII may
            be in it besides.
        source: The image.
    """
    values = _bytes_of(source)
    alphabet = values.pop("SpecificCharacterSet", b"").decode("latin-1").strip()
    if alphabet:
        dataset.SpecificCharacterSet = alphabet.split("\\")
    # Elements that pydicom never decoded are written as they are, in a file that it takes for one that was read.
    correct_ambiguous_vr(dataset, True)  # which it does not for one that was read
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.set_original_encoding(syntax.is_implicit_VR, syntax.is_little_endian, _character_set(dataset))
    for keyword, content in values.items():
        tag = Tag(tag_for_keyword(keyword) or 0)
        dataset[tag] = RawDataElement(tag, dictionary_VR(tag), len(content), content, 0, False, True)
    if source.frame_of_reference is not None:
        dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = source.frame_of_reference, None
    if source.laterality is not None:
        dataset.Laterality = source.laterality


def identity_digest(source: SourceImage) -> bytes:
    """Make a digest of what :func:`write_identity` writes: of other identities it is another."""
    return hashlib.sha256(repr(sorted(_bytes_of(source).items())).encode()).digest()


def _character_set(dataset: Dataset) -> str | list[str]:
    """Give the alphabets of a file by Python's names, as pydicom counts them."""
    return convert_encodings(dataset.get("SpecificCharacterSet")) if "SpecificCharacterSet" in dataset else "iso8859"


def says_another(content: bytes, source: SourceImage) -> bool:
    """Say whether a file is of another patient or study than its source."""
    found, wanted = dcmread(BytesIO(content), stop_before_pixels=True), _bytes_of(source)
    is_same = all(_value(found, keyword) == wanted.get(keyword, b"") for keyword in KEYWORDS)
    return not is_same or found.StudyInstanceUID != source.study


def _value(found: Dataset, keyword: str) -> bytes:
    tag = Tag(tag_for_keyword(keyword) or 0)
    value = found.get_item(tag).value if tag in found else b""
    if not isinstance(value, bytes):  # the alphabet, which pydicom decodes at once
        value = "\\".join([value] if isinstance(value, str) else value or []).encode("latin-1")
    return value + b" " * (len(value) % 2)


def _bytes_of(source: SourceImage) -> dict[str, bytes]:
    if source.identity is None:
        return {}
    values = {keyword: value.encode("latin-1") for keyword, value in source.identity.values.items()}
    if values.get("PatientIdentityRemoved", b"").strip() == b"YES":
        # The source may say how by codes only; one of the two has to be there (PS3.3 C.7.1.1, type 1C).
        values.setdefault("DeidentificationMethod", _UNSAID.encode())
    if "ClinicalTrialSponsorName" in values:
        values = dict.fromkeys(TRIAL, b"") | values
    return {keyword: value + b" " * (len(value) % 2) for keyword, value in values.items()}
