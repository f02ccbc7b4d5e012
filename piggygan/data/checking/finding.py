"""What was found out about one pair, as one line of JSON can hold it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a pair.

    Attributes:
        kind: One of the kinds of :class:`~piggygan.data.checking.Problem`.
        text: What it is, for people.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Finding:
    """What was found out about one pair; None where nothing was to be had.

    Attributes:
        name: Of the pair.
        width: Of the image in pixels.
        height: Of the image in pixels.
        bits: Of one value of the image.
        digest: SHA-256 of the image's pixels, as they are read.
        modality: What a DICOM file says.
        body_part: Likewise.
        view: Likewise.
        was_lossy: Likewise.
        patient: A digest of a DICOM file's patient identifier that means nothing outside of this check.
        faults: What is wrong.
    """

    name: str
    width: int | None = None
    height: int | None = None
    bits: int | None = None
    digest: str | None = None
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    was_lossy: bool | None = None
    patient: str | None = None
    faults: tuple[Fault, ...] = ()
