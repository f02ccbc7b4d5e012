"""Reads one pair as a training would, and says what it is like."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom import dcmread
from torch import Tensor

from piggygan.data.checking.finding import Fault, Finding
from piggygan.data.content import MAX_PIXELS, largest_content, read_content
from piggygan.data.dicom.description import ANY_FILM
from piggygan.data.dicom.header import describe_content, is_dicom_head
from piggygan.data.dicom.patient import patient_digest
from piggygan.data.folders import PairFiles
from piggygan.data.image_file import narrow_range
from piggygan.data.mask_reader import MaskReader, masks_of
from piggygan.data.pictures.outline import picture_outline
from piggygan.data.quiet import without_warnings
from piggygan.data.readers import PairReader, PictureReader, TwoPicturesReader
from piggygan.errors import DataError, MaskError, PairError

if TYPE_CHECKING:
    from jaxtyping import Float

_BITS_STORED = 0x00280101


def inspect(files: PairFiles, reader: PairReader, salt: str) -> Finding:
    """Read a pair and describe it; whatever is wrong is in the result, not raised.

    Args:
        files: The pair.
        reader: How to read it.
        salt: Makes digests of patients incomparable between checks.
    """
    if isinstance(reader, MaskReader | PictureReader | TwoPicturesReader):
        reader = replace(reader, requirements=ANY_FILM)  # what a training would refuse is to be counted too
    try:
        image, target = _with_its_channels(reader, files).read(files)
    except DataError as error:
        kind = {MaskError: "mask values", PairError: "mask size"}.get(type(error), "unreadable")
        return Finding(files.name, faults=(Fault(kind, str(error)),))
    height, width = image.shape[-2:]
    brightest = float(image.max())
    finding = Finding(
        files.name,
        width=width,
        height=height,
        digest=hashlib.sha256(f"{tuple(image.shape)}".encode() + image.contiguous().numpy().tobytes()).hexdigest(),
        faults=tuple(_mask_faults(files, reader, target)),
    )
    return _with_header(finding, files.image, salt, brightest)


def _with_its_channels(reader: PairReader, files: PairFiles) -> PairReader:
    """Read files of more than three channels as they are: a training takes as many as they have."""
    if isinstance(reader, MaskReader | PictureReader | TwoPicturesReader):
        reader = replace(reader, channels=_channels(files.image, reader.channels))
    if isinstance(reader, TwoPicturesReader) and files.mask is not None:
        reader = replace(reader, target_channels=_channels(files.mask, reader.target_channels))
    return reader


def _channels(path: Path, otherwise: int) -> int:
    content = read_content(path)
    outline = None if is_dicom_head(content) else picture_outline(content)
    return outline.bands if outline is not None and outline.bands > 3 else otherwise


def _mask_faults(files: PairFiles, reader: PairReader, target: Float[Tensor, "channels height width"]) -> list[Fault]:
    """Find masks that say nothing."""
    if not isinstance(reader, MaskReader):
        return []
    parts = [target]
    if files.more_masks:
        parts = [reader.read_part(path) for path in masks_of(files)]
    names = [path.parent.name for path in masks_of(files)] if len(parts) > 1 else ["the mask"]
    faults = []
    for name, part in zip(names, parts, strict=True):
        if bool((part < 0).all()):
            faults.append(Fault("empty mask", f"{name} has no foreground"))
        elif bool((part > 0).all()):
            faults.append(Fault("empty mask", f"{name} has no background"))
    return faults


def _with_header(finding: Finding, path: Path, salt: str, brightest: float) -> Finding:
    """Add what the first bytes of an image say, or the elements of a DICOM file."""
    content = read_content(path)
    if is_dicom_head(content):
        return _with_elements(finding, content, salt)
    outline = picture_outline(content)
    if outline is None:
        return replace(finding, bits=12)  # a raw film of JSRT
    narrow = None
    if outline.bits in (16, 32) and not outline.is_float:
        largest = round((brightest + 1.0) / 2.0 * (2**outline.bits - 1))
        narrow = narrow_range(largest, outline.kind, outline.bits)
    faults = [] if narrow is None else [Fault("narrow range", narrow)]
    return replace(finding, bits=outline.bits, faults=(*finding.faults, *faults))


def _with_elements(finding: Finding, content: bytes, salt: str) -> Finding:
    film = describe_content(content, max_bytes=largest_content(MAX_PIXELS))
    with without_warnings():
        elements = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=[_BITS_STORED])
    burned_in = Fault("burned-in text", "its header says that text about the patient may be in the picture")
    return replace(
        finding,
        bits=int(elements.BitsStored),
        modality=film.modality,
        body_part=film.body_part,
        view=film.view,
        was_lossy=film.was_lossy,
        patient=patient_digest(content, salt),
        faults=(*finding.faults, *([burned_in] if film.burned_in else [])),
    )
