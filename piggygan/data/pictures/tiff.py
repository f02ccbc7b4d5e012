"""TIFF files of one picture, by tifffile: its tags are checked before any of its data are unpacked.

A TIFF file may hold anything; read is what pictures to learn from are: one page of grey, colour, a palette or any
number of channels, whole numbers of 1, 8, 16 or 32 bits or numbers with a fraction, not compressed or by Deflate, LZW
or PackBits (TIFF 6.0 and Adobe's technical notes). LZW and PackBits are unpacked by Pillow: tifffile needs a large
package for them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from piggygan.data.pictures.decoded import MAX_CHANNELS, DecodedImage
from piggygan.data.quiet import without_warnings
from piggygan.errors import ImageError, InputTooLargeError

if TYPE_CHECKING:
    from tifffile import TiffPage

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Of files below and above 4 GiB, with either byte first."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = range(4)
_NONE, _LZW, _ADOBE_DEFLATE, _PACK_BITS, _DEFLATE = 1, 5, 8, 32773, 32946
_BY_PILLOW = (_LZW, _PACK_BITS)
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_ALPHA = (1, 2)
_SHORTEST_HEAD = 8
_ROOM_FOR_EDGES = 1 << 24
_BYTES_A_PIXEL = 16
"""Of what is unpacked: four samples of 32 bits."""


@dataclass(frozen=True)
class TiffHeader:
    """What the tags of a TIFF file's only page say.

    Attributes:
        width: In pixels, as stored.
        height: In pixels, as stored.
        samples: Of a pixel.
        bits: Of a sample.
        is_float: Whether samples are numbers with a fraction.
        photometric: What the samples mean, as the tag has it.
        compression: As the tag has it.
        orientation: 1 to 8, as in EXIF.
        has_alpha: Whether the last sample says how opaque a pixel is.
    """

    width: int
    height: int
    samples: int
    bits: int
    is_float: bool
    photometric: int
    compression: int
    orientation: int
    has_alpha: bool

    @property
    def is_by_pillow(self) -> bool:
        """Whether Pillow unpacks it."""
        return self.compression in _BY_PILLOW

    @property
    def bands(self) -> int:
        """How many channels there are to see."""
        return 3 if self.photometric == _PALETTE else self.samples - self.has_alpha


def tiff_header(content: bytes) -> TiffHeader:
    """Read the tags of a TIFF file's only page.

    Raises:
        ImageError: If there are several pages, or a picture of a kind that is not read.
    """
    with without_warnings():
        return _header(_only_page(content))


def decode_tiff(content: bytes, header: TiffHeader, *, max_pixels: int) -> DecodedImage:
    """Decode a TIFF file that is not for Pillow.

    Args:
        content: All of the file.
        header: Its own.
        max_pixels: What so many pixels would take is the most that is unpacked.

    Raises:
        ImageError: If it is cut or corrupt.
        InputTooLargeError: If it is too large.
    """
    if header.width * header.height * header.samples * header.bits > 8 * _BYTES_A_PIXEL * max_pixels:
        raise InputTooLargeError(f"it has {header.samples} samples of {header.bits} bits a pixel, which are too many")
    with without_warnings():
        page = _only_page(content)
        _check_segments(page, header, content)
        stored = page.asarray(maxworkers=1)
    if page.planarconfig == 2 and stored.ndim == 3:
        stored = np.moveaxis(stored, 0, -1)
    stored = stored.reshape(header.height, header.width, header.samples)
    values = upright(stored, header.orientation)
    if header.samples == 1:
        values = values[..., 0]
    return _decoded(values, header, page)


def check_parts(content: bytes, header: TiffHeader) -> None:
    """Make sure that all parts of a file that Pillow unpacks are there: what libtiff misses, it prints.

    Args:
        content: All of the file.
        header: Its own.

    Raises:
        ImageError: If one is missing or cut.
    """
    with without_warnings():
        _check_segments(_only_page(content), header, content)


def upright(values: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """Turn stored rows upright, by the tag that TIFF and EXIF share."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    # After that, whether rows and columns are to be turned round.
    rows, columns = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}.get(orientation, (1, 1))
    return np.ascontiguousarray(values[::rows, ::columns])


def _only_page(content: bytes) -> TiffPage:
    from tifffile import TiffFile, TiffPage

    file = TiffFile(BytesIO(content), _multifile=False)
    page = file.pages.first
    if not isinstance(page, TiffPage):
        raise ImageError("it has no page")
    try:
        file.pages.get(1)
    except IndexError:
        return page
    raise ImageError("it has several pages: save the one that is meant as a file of its own")


def _header(page: TiffPage) -> TiffHeader:
    samples, bits = page.samplesperpixel, page.bitspersample
    orientation = page.tags.valueof(274, 1)
    header = TiffHeader(
        width=page.imagewidth,
        height=page.imagelength,
        samples=samples,
        bits=bits,
        is_float=page.sampleformat == _FLOAT,
        photometric=int(page.photometric or 0),
        compression=int(page.compression),
        orientation=orientation if orientation in range(1, 9) else 1,
        has_alpha=bool(page.extrasamples) and int(page.extrasamples[-1]) in _ALPHA and samples in (2, 4),
    )
    if min(header.width, header.height, samples) < 1 or page.imagedepth != 1:
        raise ImageError("its tags announce no flat picture")
    if samples > MAX_CHANNELS:
        raise ImageError(f"it has {samples} channels; at most {MAX_CHANNELS} are read")
    _check_kind(header, page.sampleformat)
    return header


def _check_kind(header: TiffHeader, sample_format: int) -> None:
    """Refuse what is not read, and say what to do."""
    if header.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE):
        raise ImageError("its colours are neither grey, RGB nor a palette: convert it to RGB")
    if header.compression not in (_NONE, _ADOBE_DEFLATE, _DEFLATE, *_BY_PILLOW):
        raise ImageError(f"it is compressed in a way that is not read ({header.compression}): save it with Deflate")
    is_whole = sample_format == _UNSIGNED and header.bits in (8, 16, 32)
    is_black_and_white = sample_format == _UNSIGNED and header.bits == header.samples == 1
    is_fraction = header.is_float and header.bits in (16, 32, 64)
    if not (is_whole or is_black_and_white or is_fraction):
        kind = {_UNSIGNED: "whole", _SIGNED: "signed", _FLOAT: "fractional"}.get(sample_format, "other")
        raise ImageError(
            f"it has {kind} numbers of {header.bits} bits; read are whole numbers from 0 on of 1, 8, 16 or 32 bits, "
            f"and numbers with a fraction"
        )
    if header.photometric == _PALETTE and (header.samples > 1 or header.bits not in (8, 16)):
        raise ImageError("its palette is of a kind that is not read: convert it to RGB")
    if header.is_by_pillow and not (header.samples == 1 or (header.bits == 8 and header.samples in (3, 4))):
        raise ImageError("it is compressed by LZW or PackBits, which is read of grey and of 8-bit RGB: use Deflate")


def _check_segments(page: TiffPage, header: TiffHeader, content: bytes) -> None:
    """Make sure that every strip or tile is there and unpacks to as many bytes as it must: tifffile fills up.

    Raises:
        ImageError: If one is missing, cut, or larger than announced.
    """
    rows, row_bytes, count = _grid(page, header)
    if len(page.dataoffsets) != count or len(page.databytecounts) != count:
        raise ImageError("it has another number of parts than its size needs")
    # All that is unpacked at once, tiles that reach over the edge included.
    picture = header.width * header.height * header.samples * header.bits // 8
    if count * rows * row_bytes > 4 * picture + _ROOM_FOR_EDGES:
        raise ImageError("its tiles are far larger than its picture")
    whole, last = rows * row_bytes, _last_rows(page, header, rows) * row_bytes
    strips = count if page.is_tiled else -(-header.height // rows)
    for number, (offset, length) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        part = memoryview(content)[offset : offset + length]
        if len(part) < length or not length or offset < _SHORTEST_HEAD:
            raise ImageError("a part of it is missing")
        if header.is_by_pillow:
            continue  # it is counted where it is unpacked
        needed = last if (number + 1) % strips == 0 else whole
        found = len(part) if header.compression == _NONE else _unpacked(part, needed)
        # Uncompressed strips may be padded; what is compressed holds the last strip whole or short, by its writer.
        if found < needed or (header.compression != _NONE and found > whole):
            raise ImageError("a part of it has fewer or more numbers than its size needs")


def _grid(page: TiffPage, header: TiffHeader) -> tuple[int, int, int]:
    """Say how many rows a strip or tile has, how many bytes a row of it, and how many there are."""
    is_apart = page.planarconfig == 2 and header.samples > 1
    samples = 1 if is_apart else header.samples
    if page.is_tiled:
        across, down = -(-header.width // page.tilewidth), -(-header.height // page.tilelength)
        rows, columns = page.tilelength, page.tilewidth
    else:
        rows = min(page.rowsperstrip or header.height, header.height)
        across, down, columns = 1, -(-header.height // rows), header.width
    return rows, -(-columns * samples * header.bits // 8), across * down * (header.samples if is_apart else 1)


def _last_rows(page: TiffPage, header: TiffHeader, rows: int) -> int:
    return rows if page.is_tiled else header.height - (-(-header.height // rows) - 1) * rows


def _unpacked(part: memoryview, needed: int) -> int:
    """Count the bytes that a part unpacks to, up to one more than needed."""
    inflater = zlib.decompressobj()
    try:
        return len(inflater.decompress(part, needed + 1))
    except zlib.error:
        raise ImageError("its compressed data are corrupt") from None


def _decoded(values: np.ndarray[Any, Any], header: TiffHeader, page: TiffPage) -> DecodedImage:
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if header.photometric == _WHITE_IS_ZERO:
        full = 1.0 if header.is_float else 1 if header.bits == 1 else np.iinfo(values.dtype).max
        values = (full - values).astype(values.dtype)
    if header.bits == 1:
        values = values.astype(bool)
    if header.photometric == _PALETTE:
        return DecodedImage("P", values, _looked_up(values, page), "TIFF", header.bits)
    mode = {2: "LA", 4: "RGBA"}[header.samples] if header.has_alpha else "bands"
    colours = _over_black(values) if header.has_alpha else values
    return DecodedImage(mode, values, colours, "TIFF", header.bits)


def _looked_up(values: np.ndarray[Any, Any], page: TiffPage) -> np.ndarray[Any, Any]:
    palette = page.colormap
    if palette is None or palette.shape[0] != 3 or int(values.max()) >= palette.shape[1]:
        raise ImageError("its palette has no colour for some of its pixels")
    return np.moveaxis((palette >> 8).astype(np.uint8)[:, values], 0, -1)


def _over_black(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Lay a picture over black by its last band."""
    full = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    laid = values[..., :-1] * (values[..., -1:].astype(np.float64) / full)
    laid = laid if values.dtype.kind == "f" else np.rint(laid)
    return (laid[..., 0] if laid.shape[-1] == 1 else laid).astype(values.dtype)
