"""What a DICOM file says about its pixels, read with pydicom and checked: nothing else of the file is kept."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from piggygan.data.content import MAX_SIDE
from piggygan.data.dicom.codecs import PIXEL_DATA, Encoding, Words, frame_words, inflated
from piggygan.data.dicom.description import DESCRIBING, DicomDescription, DicomRequirements, describe
from piggygan.data.dicom.elements import code_of, integer_of, tag_text, value_of
from piggygan.data.dicom.grayscale import LookupTable, Rescale, StoredFormat, Window
from piggygan.data.dicom.grayscale_elements import SHOWING, modality_of, window_of
from piggygan.data.dicom.source import Identify, SourceImage, identifying_tags, source_of
from piggygan.data.quiet import without_warnings
from piggygan.errors import DicomError, ImageError, InputTooLargeError

HEAD_BYTES = 132
"""As many first bytes of a file say whether it is DICOM: 128 free ones, and then ``DICM``."""

_TRANSFER_SYNTAX = 0x00020010
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
_PRESENTATION = 0x20500020
_FRAME_OFFSETS, _FRAME_LENGTHS = 0x7FE00001, 0x7FE00002
# fmt: off
_NEEDED: list[BaseTag | int] = [
    *DESCRIBING, *SHOWING,
    _SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _SIGNED, _PADDING,
    _PADDING_LIMIT, _PRESENTATION, _FRAME_OFFSETS, _FRAME_LENGTHS, PIXEL_DATA,
]
# fmt: on

_COLOURS = ("RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB")
"""Photometric interpretations that may be quoted: anything else could be a name in the wrong place."""


@dataclass(frozen=True)
class DicomPixels:
    """One grey image of a DICOM file: its words, and how they become window output.

    Attributes:
        words: Bits as they are in the file, ``(rows, columns)``, decompressed.
        form: How words make stored values.
        is_inverted: Whether small values are bright (``MONOCHROME1``).
        padding: Lowest and highest stored value that mean "outside of the picture", if any do.
        modality: From stored to modality values; none where they are the same.
        window: From modality values to 0..1; none where the file leaves that open.
        description: What is on the film.
        source: What identifies it, if that was asked for.
    """

    words: Words
    form: StoredFormat
    is_inverted: bool
    padding: tuple[int, int] | None
    modality: Rescale | LookupTable | None
    window: Window | LookupTable | None
    description: DicomDescription
    source: SourceImage | None


def is_dicom_head(head: bytes) -> bool:
    """Say whether the first :data:`HEAD_BYTES` of a file are those of a DICOM file."""
    return head[128:HEAD_BYTES] == b"DICM"


def parse_dicom(
    content: bytes,
    *,
    frame: int | None,
    requirements: DicomRequirements,
    identify: Identify,
    max_pixels: int,
    max_bytes: int,
) -> DicomPixels:
    """Read and check what a DICOM file says about its pixels, and decode one frame.

    Only the tags needed for pixels and requirements, and those that are asked for, are read: a bad value elsewhere does
    no harm, and no patient attribute can get into a message.

    Args:
        content: The file.
        frame: Which frame, counted from 0; None: the only one.
        requirements: What is checked before anything is decoded.
        identify: What identifies the film, and whether its patient, is found too.
        max_pixels: Larger images are refused before they are decoded.
        max_bytes: What a deflated file may have inflated.

    Raises:
        DicomError: If the file is no grey image, contradicts itself, or is not what is required.
        DecoderCrashError: If a decoder failed in a way that is not an error of Python's.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
    """
    if not is_dicom_head(content):
        raise DicomError("the DICM prefix is missing: this is not a DICOM file")
    try:
        with without_warnings():
            return _parse(content, frame, requirements, identify, max_pixels, max_bytes)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        # What pydicom raises on broken files is no promise, and its texts quote values: only the kind is told.
        raise DicomError(f"its data elements are broken ({type(error).__name__})") from None


def describe_content(content: bytes, *, max_bytes: int) -> DicomDescription:
    """Read what a DICOM file says that it shows; its pixels are not looked at.

    Raises:
        DicomError: If it is none, or its elements are broken.
    """
    if not is_dicom_head(content):
        raise DicomError("the DICM prefix is missing: this is not a DICOM file")
    try:
        with without_warnings():
            return describe(_read(content, max_bytes, list(DESCRIBING))[0], content)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise DicomError(f"its data elements are broken ({type(error).__name__})") from None


def _read(content: bytes, max_bytes: int, tags: list[BaseTag | int]) -> tuple[Dataset, Encoding]:
    file = BytesIO(content)
    file.seek(HEAD_BYTES)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    encoding = Encoding.of(str(value_of(meta, _TRANSFER_SYNTAX) or ""))
    if encoding.deflated:
        file = BytesIO(inflated(content[file.tell() :], limit=max_bytes))
    return read_dataset(file, encoding.implicit, encoding.little_endian, specific_tags=tags), encoding


def _parse(
    content: bytes,
    frame: int | None,
    requirements: DicomRequirements,
    identify: Identify,
    max_pixels: int,
    max_bytes: int,
) -> DicomPixels:
    dataset, encoding = _read(content, max_bytes, [*_NEEDED, *identifying_tags(identify)])
    source = source_of(dataset, identify)
    description = describe(dataset, content)
    requirements.check(description)
    if PIXEL_DATA not in dataset:
        raise DicomError(f"{tag_text(PIXEL_DATA)} is missing: there is no image in this object, or the file is cut")
    is_inverted = _is_inverted(dataset)
    rows, columns, frames = _size(dataset, max_pixels)
    form = _stored_format(dataset, big_endian=not encoding.little_endian)
    modality = modality_of(dataset, form)
    window = window_of(dataset, form, modality)
    words = frame_words(
        dataset, encoding, form, frames=frames, frame=_chosen(frame, frames), rows=rows, columns=columns
    )
    return DicomPixels(words, form, is_inverted, _padding(dataset), modality, window, description, source)


def _chosen(frame: int | None, frames: int) -> int:
    if frame is None and frames > 1:
        raise DicomError(f"{tag_text(_FRAMES)} is {frames}: choose one, frame=0 to frame={frames - 1}")
    if not 0 <= (frame or 0) < frames:
        raise DicomError(f"frame is {frame}, and {tag_text(_FRAMES)} is {frames}: they are counted from 0")
    return frame or 0


def _is_inverted(dataset: Dataset) -> bool:
    photometric = value_of(dataset, _PHOTOMETRIC)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        found = (
            "missing" if photometric is None else photometric if photometric in _COLOURS else "none of the standard's"
        )
        raise DicomError(
            f"{tag_text(_PHOTOMETRIC)} is {found}; only MONOCHROME1 and MONOCHROME2 are read, and it is not guessed"
        )
    shape = code_of(dataset, _PRESENTATION)
    if shape is not None and shape != {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}[photometric]:
        # PS3.3 C.8.11.3.1.2 allows these two pairs only, and nobody can tell which of the tags is the mistake.
        raise DicomError(f"{tag_text(_PRESENTATION)} contradicts {tag_text(_PHOTOMETRIC)}, which is {photometric}")
    return bool(photometric == "MONOCHROME1")


def _size(dataset: Dataset, max_pixels: int) -> tuple[int, int, int]:
    """Return rows, columns and frames."""
    rows, columns = integer_of(dataset, _ROWS), integer_of(dataset, _COLUMNS)
    if rows < 1 or columns < 1:
        raise DicomError(f"{tag_text(_ROWS)} is {rows} and {tag_text(_COLUMNS)} is {columns}; both must be at least 1")
    # Some writers put 0 frames for one; that it is one, the exact number of pixel bytes shows.
    frames = integer_of(dataset, _FRAMES, default=1) or 1
    if frames < 1:
        raise DicomError(f"{tag_text(_FRAMES)} is {frames}; an image has at least 1")
    samples = integer_of(dataset, _SAMPLES, default=1)  # a grey image has no other number
    if samples != 1:
        raise DicomError(f"{tag_text(_SAMPLES)} is {samples}; a grey image has 1")
    if rows * columns > max_pixels:
        raise InputTooLargeError(f"it has {columns} x {rows} pixels; at most {max_pixels} are decoded")
    if max(rows, columns) > MAX_SIDE:  # of another type than the standard's
        raise InputTooLargeError(f"it has {columns} x {rows} pixels; a side has at most {MAX_SIDE}")
    # What the decoders want to know, and what some writers leave out.
    dataset.SamplesPerPixel, dataset.NumberOfFrames = samples, frames
    return rows, columns, frames


def _stored_format(dataset: Dataset, *, big_endian: bool) -> StoredFormat:
    allocated, stored = integer_of(dataset, _BITS_ALLOCATED), integer_of(dataset, _BITS_STORED)
    high = integer_of(dataset, _HIGH_BIT, default=stored - 1)  # the standard allows no other
    signed = integer_of(dataset, _SIGNED)
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated or high != stored - 1 or signed not in (0, 1):
        raise DicomError(
            f"{tag_text(_BITS_ALLOCATED)} is {allocated}, {tag_text(_BITS_STORED)} {stored}, "
            f"{tag_text(_HIGH_BIT)} {high}, {tag_text(_SIGNED)} {signed}; needed are 8, 16 or 32 bits, no more of them "
            f"stored, the high bit one less than these, and a representation of 0 or 1"
        )
    return StoredFormat(allocated, stored, signed=bool(signed), big_endian=big_endian)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    if value_of(dataset, _PADDING) is None:
        return None
    value = integer_of(dataset, _PADDING)
    limit = integer_of(dataset, _PADDING_LIMIT, default=value)
    return min(value, limit), max(value, limit)
