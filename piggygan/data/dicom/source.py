"""Which image a DICOM file is, as far as what is made of it has to say; nothing else of the file is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydicom.dataset import Dataset

from piggygan.data.dicom.elements import tag_text
from piggygan.data.dicom.identity import IDENTITY_TAGS, Identity, identity_of
from piggygan.errors import DicomError

Identify = Literal["nothing", "image", "patient"]
"""What is read of a film besides its picture: nothing; which image it is; and whose."""

_UIDS = {
    "sop_class": 0x00080016,
    "sop_instance": 0x00080018,
    "study": 0x0020000D,
    "series": 0x0020000E,
}
_FRAME_OF_REFERENCE = 0x00200052
_LATERALITIES = (0x00200062, 0x00200060)  # of the image, which is nearer, and of the series
_SIDES = ("L", "R")

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_LONGEST_UID = 64


@dataclass(frozen=True)
class SourceImage:
    """What identifies an image by itself and in its study (PS3.3 C.12.1, C.7.2.1 and C.7.3.1).

    Attributes:
        sop_class: What kind of image it is.
        sop_instance: Which one.
        study: Of which study.
        series: Of which series.
        frame_of_reference: In which space it lies, if it says so (C.7.4.1).
        laterality: ``"L"`` or ``"R"``, of one of two paired parts of the body.
        identity: Whose it is, if that was asked for.
    """

    sop_class: str
    sop_instance: str
    study: str
    series: str
    frame_of_reference: str | None = None
    laterality: str | None = None
    identity: Identity | None = None

    def __post_init__(self) -> None:
        needed = (self.sop_class, self.sop_instance, self.study, self.series)
        if not all(is_identifier(value) for value in needed):
            raise ValueError("an image has identifiers")
        if not (self.frame_of_reference is None or is_identifier(self.frame_of_reference)):
            raise ValueError("a frame of reference has an identifier")
        if self.laterality not in (None, *_SIDES):
            raise ValueError("a laterality is L or R")

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> SourceImage:
        """Make one of the plain values that :func:`dataclasses.asdict` gave.

        Raises:
            TypeError, ValueError, AttributeError: If they are not those of an image.
        """
        identity = fields["identity"]
        if identity is not None:
            identity = Identity(dict(identity["values"]), tuple(identity["left_out"]))
        return cls(**{**fields, "identity": identity})


def identifying_tags(identify: Identify) -> tuple[int, ...]:
    """Say which tags are read to identify an image; but for ``"patient"`` none of them is about a person."""
    if identify == "nothing":
        return ()
    of_the_image = (*_UIDS.values(), _FRAME_OF_REFERENCE, *_LATERALITIES)
    return of_the_image if identify == "image" else (*of_the_image, *IDENTITY_TAGS)


def source_of(dataset: Dataset, identify: Identify) -> SourceImage | None:
    """Find the identifiers that whatever is made of an image must refer to.

    Args:
        dataset: Read with :func:`identifying_tags`, and not looked at before: pydicom logs values that it finds odd,
            and people write names anywhere, so elements are taken as they stand.
        identify: What is asked for.

    Raises:
        DicomError: If one is missing or is no identifier.
    """
    if identify == "nothing":
        return None
    found = {name: _text_of(dataset, tag) for name, tag in _UIDS.items()}
    for name, text in found.items():
        if not is_identifier(text):
            raise DicomError(
                f"it cannot be referred to, since {tag_text(_UIDS[name])} is {'no identifier' if text else 'missing'}; "
                f"predict without a DICOM segmentation (dicom_seg=False)"
            )
    frame_of_reference = _text_of(dataset, _FRAME_OF_REFERENCE)
    sides = [side for side in (_text_of(dataset, tag) for tag in _LATERALITIES) if side in _SIDES]
    return SourceImage(
        **found,
        frame_of_reference=frame_of_reference if is_identifier(frame_of_reference) else None,
        laterality=sides[0] if sides else None,
        identity=identity_of(dataset) if identify == "patient" else None,
    )


def _text_of(dataset: Dataset, tag: int) -> str:
    element = dataset.get_item(tag) if tag in dataset else None
    value = element.value if element is not None else b""
    return value.decode("ascii", errors="replace").strip("\0 ") if isinstance(value, bytes) else ""


def is_identifier(text: object) -> bool:
    """Say whether a text is an identifier: digits and dots, so that nothing somebody wrote elsewhere can pass for one.

    Example:
        >>> is_identifier("1.2.840"), is_identifier("1..2"), is_identifier("Plantagenet")
        (True, False, False)
    """
    return isinstance(text, str) and len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None
