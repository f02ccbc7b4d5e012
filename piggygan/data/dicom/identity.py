"""Whose image it is and of which study: the elements that a DICOM file made of it has to share with it.

Values are kept as the bytes that they are in the file: an archive joins what has the same ones. They are about a
person, so they are read only if that is asked for, and never shown: not by ``repr``, not in a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
"""Elements of the Patient module that must be there and may be empty (type 2; PS3.3 C.7.1.1)."""

STUDY = ("ReferringPhysicianName", "AccessionNumber", "StudyID", "StudyDate", "StudyTime")
"""Those of the General Study module (C.7.2.1)."""

TRIAL = (
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
)
"""Elements of the Clinical Trial Subject module (C.7.1.3): the first two must have a value, the others be there."""

_TRIAL_SUBJECT = ("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID")  # one of them must have a value
_BESIDE = (
    "SpecificCharacterSet",  # in which all of these are written
    "IssuerOfPatientID",  # two hospitals may count alike
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyDescription",
    "ClinicalTrialTimePointID",
)

KEYWORDS = (*PATIENT, *STUDY, *TRIAL, *_TRIAL_SUBJECT, *_BESIDE)
"""All that is read of an identity."""

_TAGS = {keyword: int(tag_for_keyword(keyword) or 0) for keyword in KEYWORDS}
IDENTITY_TAGS = tuple(_TAGS.values())

_LONGEST = 1024
"""Bytes of a value at most: a name of five parts of 64 letters fits in."""
_FORMS = {
    "DA": re.compile(rb"\d{8}"),
    "TM": re.compile(rb"\d\d(\d\d(\d\d(\.\d{1,6})?)?)?"),
    "CS": re.compile(rb"[A-Z0-9 _\\-]*"),
}
_TEXT = re.compile(rb"[^\x00-\x1a\x1c-\x1f\x7f]*")
"""No control characters but the escape that begins another alphabet (PS3.5 6.1.2.5)."""


@dataclass(frozen=True)
class Identity:
    """Whose an image is, as its file says it.

    Attributes:
        values: By keyword the bytes of a value, each byte as the letter of its number; those that have none are not
            there.
        left_out: Keywords of values that are not what the standard has there, and were left out.
    """

    values: dict[str, str] = field(repr=False)
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for keyword, value in self.values.items():
            if not _is_sound(keyword, value.encode("latin-1")):  # a UnicodeEncodeError is a ValueError too
                raise ValueError("an element of an identity is not what it has to be")
        if not set(self.left_out) <= set(KEYWORDS):
            raise ValueError("something else was left out of an identity")


def identity_of(dataset: Dataset) -> Identity:
    """Find what a film says of its patient and study.

    Args:
        dataset: Read with :data:`IDENTITY_TAGS`, and not looked at before: pydicom logs values that it finds odd.
    """
    values, left_out = {}, []
    for keyword, tag in _TAGS.items():
        element = dataset.get_item(tag) if tag in dataset else None
        value = element.value if element is not None else b""
        if not isinstance(value, bytes):
            left_out.append(keyword)
        elif _is_sound(keyword, value):
            if value.strip(b"\0 "):
                values[keyword] = value.decode("latin-1")
        else:
            left_out.append(keyword)
    return Identity(_with_whole_modules(values), tuple(left_out))


def _is_sound(keyword: str, value: bytes) -> bool:
    bare = value.strip(b"\0 ")
    if keyword not in _TAGS or len(value) > _LONGEST or not _TEXT.fullmatch(bare):
        return False
    if keyword == "SpecificCharacterSet":
        return all(name.strip().decode("latin-1") in python_encoding for name in bare.split(b"\\"))
    form = _FORMS.get(dictionary_VR(_TAGS[keyword]))
    return not bare or form is None or form.fullmatch(bare) is not None


def _with_whole_modules(values: dict[str, str]) -> dict[str, str]:
    """Leave out what the standard allows beside other elements only."""
    if not (all(values.get(keyword) for keyword in TRIAL[:2]) and any(map(values.get, _TRIAL_SUBJECT))):
        values = {keyword: value for keyword, value in values.items() if not keyword.startswith("ClinicalTrial")}
    return values
