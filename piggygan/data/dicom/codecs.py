"""From a file's pixel element to the words of one frame, decoded by pydicom's decoders where it is compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from piggygan.data.dicom import jpeg2000
from piggygan.data.dicom.elements import tag_text
from piggygan.data.dicom.grayscale import StoredFormat
from piggygan.data.dicom.rle_segments import check_segments
from piggygan.data.pictures import jpeg_segments
from piggygan.data.pictures.decoding import check_jpeg_data
from piggygan.errors import DecoderCrashError, DicomError, ImageError, InputTooLargeError

Words = np.ndarray[Any, np.dtype[np.unsignedinteger[Any]]]

_TRANSFER_SYNTAX, _FRAMES, _ROWS, _COLUMNS = 0x00020010, 0x00280008, 0x00280010, 0x00280011
PIXEL_DATA = 0x7FE00010
_FRAME_OFFSETS, _FRAME_LENGTHS = 0x7FE00001, 0x7FE00002

_JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_DEFLATED = "1.2.840.10008.1.2.1.99"
_RLE = "1.2.840.10008.1.2.5"
_PIECE = 2**20
_OF_JPEG = "1.2.840.10008.1.2.4."
_JPEG = frozenset(f"{_OF_JPEG}{number}" for number in (50, 51, 57, 70))
_JPEG_LS = frozenset(f"{_OF_JPEG}{number}" for number in (80, 81))
_JPEG_2000 = frozenset(f"{_OF_JPEG}{number}" for number in (90, 91, 92, 93, 201, 202, 203))
# UID -> (is implicit VR, is little endian)
_UNCOMPRESSED = {
    "1.2.840.10008.1.2": (True, True),
    "1.2.840.10008.1.2.1": (False, True),
    "1.2.840.10008.1.2.2": (False, False),
}


@dataclass(frozen=True)
class Encoding:
    """How a file's elements and pixels are written (PS3.5, sections 8 and 10).

    Attributes:
        syntax: UID of the transfer syntax.
        implicit: Whether elements leave out their type.
        little_endian: Whether the low byte comes first.
        compressed: Whether pixels need a decoder.
        deflated: Whether all elements are deflated.
    """

    syntax: str
    implicit: bool
    little_endian: bool
    compressed: bool = False
    deflated: bool = False

    @classmethod
    def of(cls, syntax: str) -> Encoding:
        """Look up a transfer syntax.

        Raises:
            DicomError: If there is none, or no decoder for it; the message says what to install.
        """
        if not syntax:
            raise DicomError(f"{tag_text(_TRANSFER_SYNTAX)} is missing: how the file is encoded is not known")
        if syntax in _UNCOMPRESSED:
            return cls(syntax, *_UNCOMPRESSED[syntax])
        if syntax == _DEFLATED:
            return cls(syntax, implicit=False, little_endian=True, deflated=True)
        try:
            has_decoder = bool(get_decoder(UID(syntax)).available_plugins)
        except NotImplementedError:
            has_decoder = False
        if not has_decoder:
            # Letters could be a person's: UIDs are digits and points.
            name = repr(syntax) if not set(syntax) - set("0123456789.") else "no UID"
            package = "python-gdcm" if syntax in _JPEG_LOSSLESS else "piggygan[medical]"
            raise DicomError(
                f"{tag_text(_TRANSFER_SYNTAX)} is {name}, which needs a decoder that is not here: "
                f"`pip install {package}`, or rewrite it uncompressed, for example with `gdcmconv --raw` or `dcmdjpeg`"
            )
        return cls(syntax, implicit=False, little_endian=True, compressed=True)


def inflated(content: bytes, *, limit: int) -> bytes:
    """Return a deflated data set's bytes.

    Raises:
        InputTooLargeError: If more than ``limit`` bytes would come out; no more is inflated.
        DicomError: If they are cut or corrupt.
    """
    size = 0
    try:
        # Counted first and thrown away: what is too much takes no memory, and zlib takes twice what it gives.
        for piece in _inflated_pieces(content):
            size += len(piece)
            if size > limit:
                raise InputTooLargeError(f"its deflated part has more than {limit} bytes; an image has fewer")
        return zlib.decompress(content, wbits=-zlib.MAX_WBITS, bufsize=size + 1)
    except zlib.error:
        raise DicomError("its deflated part is corrupt") from None


def _inflated_pieces(content: bytes) -> Iterator[bytes]:
    """Inflate piece by piece.

    Raises:
        DicomError: If the end is missing.
    """
    inflater, place = zlib.decompressobj(wbits=-zlib.MAX_WBITS), 0
    while not inflater.eof:
        left = inflater.unconsumed_tail
        if not left:
            left, place = content[place : place + _PIECE], place + _PIECE
        piece = inflater.decompress(left, _PIECE)
        if not piece and not left:
            raise DicomError("its deflated part is cut")
        yield piece


def frame_words(
    dataset: Dataset, encoding: Encoding, form: StoredFormat, *, frames: int, frame: int, rows: int, columns: int
) -> Words:
    """Return one frame as unsigned words, whatever sign they have, ``(rows, columns)``.

    Raises:
        DicomError: If there are more or fewer pixels than the header says, or they are corrupt.
        DecoderCrashError: If a decoder failed in a way that is not an error of Python's.
    """
    if encoding.compressed:
        return _decoded(dataset, encoding, form, frame, (rows, columns))
    data = _frame_bytes(dataset, rows * columns, form, frames, frame)
    order = ">" if form.big_endian else "<"
    words = np.frombuffer(data, dtype=f"{order}u{form.bits_allocated // 8}")
    return words.reshape(rows, columns).astype(words.dtype.newbyteorder("="), copy=False)


def _frame_bytes(dataset: Dataset, pixels: int, form: StoredFormat, frames: int, frame: int) -> memoryview:
    element = dataset[PIXEL_DATA]
    one = pixels * form.bits_allocated // 8
    size, data = frames * one, element.value
    length = len(data) if isinstance(data, bytes) else 0
    # A value has an even length, but some writers leave out the byte that fills an odd one up.
    if element.is_undefined_length or length not in (size, size + size % 2):
        times = f" x {tag_text(_FRAMES)}" if frames > 1 else ""
        raise DicomError(
            f"{tag_text(PIXEL_DATA)} has {length} bytes; {tag_text(_ROWS)} x {tag_text(_COLUMNS)}{times} need {size}"
        )
    if form.big_endian and form.bits_allocated == 8 and element.VR == "OW":
        # Bytes in 16-bit words: the high byte of a word, written first, is the second pixel.
        words = np.frombuffer(data + b"\0" * (length % 2), dtype="<u2")
        data = words.byteswap().tobytes()
    return memoryview(data)[frame * one : (frame + 1) * one]


def _decoded(dataset: Dataset, encoding: Encoding, form: StoredFormat, frame: int, shape: tuple[int, int]) -> Words:
    if not dataset[PIXEL_DATA].is_undefined_length:
        raise DicomError(f"{tag_text(PIXEL_DATA)} is not in the fragments that {encoding.syntax} is written in")
    try:
        stream = _checked(_stream(dataset, frame), encoding.syntax, shape, form.bits_allocated)
        # What is decoded is what was checked, and nothing beside it.
        for tag in (_FRAME_OFFSETS, _FRAME_LENGTHS):
            dataset.pop(tag, None)
        dataset[PIXEL_DATA] = DataElement(PIXEL_DATA, "OB", encapsulate([stream]), is_undefined_length=True)
        dataset.NumberOfFrames = 1
        pixels, _ = get_decoder(UID(encoding.syntax)).as_array(dataset, index=0, raw=True)
    except (KeyboardInterrupt, SystemExit, MemoryError, DicomError):
        raise
    except Exception as error:
        # Decoders' texts are no promise, and may quote the file: only the kind is told.
        raise DicomError(f"its {encoding.syntax} pixels are cut or corrupt ({type(error).__name__})") from None
    except BaseException as error:  # a panic of a decoder written in Rust is no Exception
        raise DecoderCrashError(f"the decoder of {encoding.syntax} failed ({type(error).__name__})") from None
    if pixels.shape != shape or pixels.dtype.itemsize * 8 > form.bits_allocated:
        raise DicomError(
            f"its pixels decode to {pixels.shape} of {pixels.dtype}; {tag_text(_ROWS)} x {tag_text(_COLUMNS)} are "
            f"{shape} of {form.bits_allocated} bits"
        )
    wide = pixels.astype(f"i{form.bits_allocated // 8}" if form.signed else f"u{form.bits_allocated // 8}", copy=False)
    return np.ascontiguousarray(wide).view(f"u{form.bits_allocated // 8}")


def _stream(dataset: Dataset, frame: int) -> bytes:
    """Join the fragments of one frame."""
    offsets = [dataset[tag].value if tag in dataset else None for tag in (_FRAME_OFFSETS, _FRAME_LENGTHS)]
    tables = (offsets[0], offsets[1]) if offsets[0] and offsets[1] else None
    data, frames = dataset[PIXEL_DATA].value, dataset.NumberOfFrames
    return get_frame(data, frame, number_of_frames=frames, extended_offsets=tables)


def _checked(stream: bytes, syntax: str, shape: tuple[int, int], bits: int) -> bytes:
    """Return a stream as decoders get it, if all of a picture of this shape is in it.

    Raises:
        DicomError: If it is of another size, or that cannot be told.
    """
    try:
        if syntax in _JPEG_2000:
            stream = jpeg2000.codestream_of(stream)
            size = jpeg2000.checked_size(stream)[:2]
        elif syntax in _JPEG or syntax in _JPEG_LS:
            outline = jpeg_segments.outline_of(stream)
            size = outline.rows, outline.columns
            if outline.components != 1 or outline.is_jpeg_ls != (syntax in _JPEG_LS):
                raise ImageError("it is no grey picture of that kind")
            if size == shape and outline.is_for_everyone:
                check_jpeg_data(stream, outline)
        elif syntax == _RLE:
            check_segments(stream, shape[0] * shape[1], bits // 8)
            size = shape  # it announces none
        else:
            raise ImageError("how large it is cannot be told")
    except ImageError as error:
        raise DicomError(f"its {syntax} pixels are cut or corrupt: {error}") from None
    if size != shape:
        raise DicomError(
            f"its pixels are {size[0]} x {size[1]}; {tag_text(_ROWS)} x {tag_text(_COLUMNS)} are "
            f"{shape[0]} x {shape[1]}"
        )
    return stream
