"""What a DICOM film shows, as far as its file says; and what a caller can require of it."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from piggygan.data.dicom.elements import code_of, tag_text, value_of
from piggygan.errors import DicomError

_MODALITY, _BODY_PART, _VIEW, _POSITION = 0x00080060, 0x00180015, 0x00185101, 0x00185100
_REGIONS, _VIEW_CODES, _CODE = 0x00082218, 0x00540220, 0x00080100
_BURNED_IN, _LOSSY = 0x00280301, 0x00282110
_ASPECT, _SPACING, _DETECTOR_SPACING = 0x00280034, 0x00280030, 0x00181164

DESCRIBING = (
    _MODALITY,
    _BODY_PART,
    _VIEW,
    _POSITION,
    _REGIONS,
    _VIEW_CODES,
    _BURNED_IN,
    _LOSSY,
    _ASPECT,
    _SPACING,
    _DETECTOR_SPACING,
)
"""Tags that are read for a description; none of them is about a person."""

# Codes of PS3.16, CID 4 and CID 4010: SNOMED CT, and the older ones of SNOMED RT.
_BODY_PARTS = {"51185008": "CHEST", "T-D3000": "CHEST"}
_VIEWS = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
}
_SAME_PART = {"THORAX": "CHEST"}
_POSITIONS = {
    *(f"{first}{way}" for first in ("HF", "FF", "LF", "RF", "AF", "PF") for way in ("P", "S", "DR", "DL")),
    *("AP", "PA", "LL", "RL"),  # not defined terms, but what many writers mean
}
"""Defined terms of Patient Position (PS3.3 C.7.3.1.1.2)."""

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing")
"""Elements that say how large a pixel is."""

_PROGRAMS = (b"MZ", b"\x7fELF", *(bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe")))
_PREAMBLE = 128


@dataclass(frozen=True)
class DicomDescription:
    """What a file says about what it shows; None where it says nothing.

    Attributes:
        modality: Such as ``"CR"`` or ``"DX"``.
        body_part: Such as ``"CHEST"``.
        view: Such as ``"PA"``, ``"AP"``, ``"LL"`` (left side at the detector).
        position_is_known: Whether the Patient Position is absent or one that a patient can be in.
        burned_in: Whether text about the patient may be in the picture.
        was_lossy: Whether it was compressed with losses at any time.
        aspect: Height of a pixel, its width being 1; 1.0 where the file does not say.
        spacing: Height and width of a pixel in millimetres: Pixel Spacing, or else Imager Pixel Spacing. Of radiographs
            it is mostly that in the plane of the detector, where the body's shadow is larger than the body.
        is_program: Whether the file is a program for a computer as well (CVE-2019-11687).
        spacing_from: Which element the spacing is from: ``"PixelSpacing"`` or ``"ImagerPixelSpacing"``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import describe_dicom
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     ((film, mask),) = write_xrays(folder, 1, 32, seed=0)
        ...     said = describe_dicom(film)
        >>> said.modality, said.body_part, said.aspect
        ('CR', 'CHEST', 1.0)
    """

    modality: str | None
    body_part: str | None
    view: str | None
    position_is_known: bool
    burned_in: bool | None
    was_lossy: bool | None
    aspect: float
    spacing: tuple[float, float] | None
    is_program: bool
    spacing_from: str | None = None


def _as_code(word: str) -> str:
    return word.strip().upper()


@dataclass(frozen=True)
class DicomRequirements:
    """What a film must be; a file that does not say so is refused, because nothing is guessed.

    Attributes:
        modalities: Which modalities are wanted, such as ``("CR", "DX")``; empty: any.
        body_part: Such as ``"CHEST"``, in small or capital letters; None: any. A Patient Position that no patient can
            be in is refused too, since such a header was not written by a device.
        views: Which views are wanted, such as ``("PA", "AP")``; empty: any.
        allow_burned_in: Take films that say that text about the patient may be in the picture.
        allow_programs: Take files that are a program as well, as far as their first bytes show.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import read_dicom
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     ((film, mask),) = write_xrays(folder, 1, 32, seed=0)
        ...     try:
        ...         read_dicom(film, requirements=DicomRequirements(body_part="HAND"))
        ...     except DicomError as error:
        ...         print(type(error).__name__)
        DicomError
    """

    modalities: Collection[str] = ()
    body_part: str | None = None
    views: Collection[str] = ()
    allow_burned_in: bool = True
    allow_programs: bool = True

    def __post_init__(self) -> None:
        # Codes are in capital letters, and read so: "chest" would never be found.
        object.__setattr__(self, "modalities", tuple(map(_as_code, self.modalities)))
        object.__setattr__(self, "views", tuple(map(_as_code, self.views)))
        if self.body_part is not None:
            part = _as_code(self.body_part)
            object.__setattr__(self, "body_part", _SAME_PART.get(part, part))

    def check(self, film: DicomDescription) -> None:
        """Compare a film with what is required.

        Raises:
            DicomError: If it is another one, or does not say.
        """
        if film.is_program and not self.allow_programs:
            raise DicomError("it begins as a program does: that is no image somebody sent in good faith")
        if film.burned_in and not self.allow_burned_in:
            raise DicomError(
                f"{tag_text(_BURNED_IN)} is YES: text about the patient may be in the picture. Remove it, or allow it "
                f"by DicomRequirements(allow_burned_in=True)"
            )
        _one_of(_MODALITY, film.modality, self.modalities)
        _one_of(_BODY_PART, film.body_part, () if self.body_part is None else (self.body_part,))
        _one_of(_VIEW, film.view, self.views)
        if self.body_part is not None and not film.position_is_known:
            raise DicomError(f"{tag_text(_POSITION)} is none that a patient can be in")


ANY_FILM = DicomRequirements()
"""Whatever is an image."""

TO_LEARN_FROM = DicomRequirements(allow_burned_in=False)
"""A network can learn to write what it has read, names too."""


def _one_of(tag: int, found: str | None, wanted: Collection[str]) -> None:
    """Compare without quoting what was found: people write names in any field."""
    if wanted and found not in wanted:
        state = "missing" if found is None else "another one"
        raise DicomError(f"{tag_text(tag)} is {state}; needed is {' or '.join(wanted)}")


def describe(dataset: Dataset, content: bytes) -> DicomDescription:
    """Read a description from a file's elements and its first bytes."""
    body_part = code_of(dataset, _BODY_PART) or _coded(dataset, _REGIONS, _BODY_PARTS)
    position = code_of(dataset, _POSITION)
    spacing, spacing_from = _spacing(dataset)
    return DicomDescription(
        modality=code_of(dataset, _MODALITY),
        body_part=_SAME_PART.get(body_part, body_part) if body_part else None,
        view=code_of(dataset, _VIEW) or _coded(dataset, _VIEW_CODES, _VIEWS),
        position_is_known=position is None or position in _POSITIONS,
        burned_in=_answer(code_of(dataset, _BURNED_IN), yes="YES", no="NO"),
        was_lossy=_answer(code_of(dataset, _LOSSY), yes="01", no="00"),
        aspect=_aspect(dataset),
        spacing=spacing,
        is_program=content[:_PREAMBLE].startswith(_PROGRAMS),
        spacing_from=spacing_from,
    )


def _answer(code: str | None, *, yes: str, no: str) -> bool | None:
    return {yes: True, no: False}.get(code or "")


def _coded(dataset: Dataset, tag: int, meanings: dict[str, str]) -> str | None:
    """Look up the code of a sequence's first item."""
    sequence = value_of(dataset, tag)
    if not sequence:
        return None
    return meanings.get(code_of(sequence[0], _CODE) or "")


def _aspect(dataset: Dataset) -> float:
    """Find the shape of a pixel (PS3.3 C.7.6.3.1.7 and 10.7.1.3): vertical before horizontal in all three tags."""
    for tag in (_ASPECT, _SPACING, _DETECTOR_SPACING):
        sides = _two_lengths(value_of(dataset, tag))
        if sides is not None:
            return sides[0] / sides[1]
    return 1.0


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str | None]:
    """Find how large a pixel is (PS3.3 10.7.1.1 and C.8.1.2): what was calibrated before what the device says."""
    for tag, name in ((_SPACING, SPACINGS[0]), (_DETECTOR_SPACING, SPACINGS[1])):
        if (sides := _two_lengths(value_of(dataset, tag))) is not None:
            return sides, name
    return None, None


def _two_lengths(value: Any) -> tuple[float, float] | None:
    try:
        vertical, horizontal = (float(side) for side in value)
    except (TypeError, ValueError):
        return None
    usable = math.isfinite(vertical) and math.isfinite(horizontal) and vertical > 0 and horizontal > 0
    # Beyond that it is a slip of the pen: no film has pixels ten times as high as wide.
    return (vertical, horizontal) if usable and 0.1 <= vertical / horizontal <= 10 else None
