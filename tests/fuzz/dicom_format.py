"""DICOM files, element by element and stream by stream: how they are forged, and how they are read."""

from __future__ import annotations

import random
import struct
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from piggygan.data import UntrustedReader
from piggygan.data.dicom.source import Identify
from tests.fuzz.driver import Format
from tests.fuzz.mutations import mutated_bytes
from tests.fuzz.picture_formats import SIDES, forged_jpeg, read_by, saved

LONG = (b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"OD", b"OL", b"UC", b"UR", b"OV", b"SV", b"UV")
ITEM, LAST_ITEM, UNDEFINED = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0" + bytes(4), 0xFFFFFFFF
PIXELS = b"\xe0\x7f\x10\x00"
SYNTAXES = (
    "2",
    "2.1",
    "2.1.99",
    "2.2",
    "2.4.50",
    "2.4.51",
    "2.4.57",
    "2.4.70",
    "2.4.80",
    "2.4.90",
    "2.4.91",
    "2.5",
    "9",
)

WAYS: tuple[Identify, ...] = ("nothing", "image", "patient")

Element = tuple[bytes, bytes, bytes]
"""Tag, type and value; of pixels in fragments the value is the items."""


def dicoms(folder: Path, reader: UntrustedReader, write_film: Callable[..., Path]) -> Format:
    """Films in every way to write pixels that is read."""

    def use(data: bytes) -> None:
        read_by(reader, folder / "case.dcm", data, identify=WAYS[len(data) % 3])

    return Format("dicom", dicom_samples(folder, write_film), forged_dicom, use)


def dicom_samples(folder: Path, write_film: Callable[..., Path]) -> list[bytes]:
    words = np.linspace(0, 4095, 48 * 39).reshape(48, 39).astype(np.uint16)
    grey = (words // 16).astype(np.uint8)
    window = {"BitsStored": 12, "WindowCenter": "2000", "WindowWidth": "3000", "PixelPaddingValue": 0}
    plain = write_film(folder / "plain.dcm", words, **window)
    samples = [plain.read_bytes(), write_film(folder / "grey.dcm", grey).read_bytes()]
    codestream = b""
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        film = pydicom.dcmread(plain)
        film.compress(syntax, generate_instance_uid=False)
        samples.append(written(film))
        if syntax == JPEG2000Lossless:
            codestream = next(iter(generate_frames(film.PixelData, number_of_frames=1)))
    jpeg = saved(Image.fromarray(grey), "JPEG")
    signature = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
    boxes = signature + struct.pack(">I4s4s", 12, b"ftyp", b"jp2 ") + struct.pack(">I4s", 0, b"jp2c") + codestream
    samples.append(in_fragments(folder / "grey.dcm", JPEGBaseline8Bit, [jpeg]))
    samples.append(in_fragments(plain, JPEG2000Lossless, [boxes]))
    samples.append(in_fragments(plain, JPEG2000Lossless, [codestream, codestream]))
    samples.append(in_fragments(plain, JPEG2000Lossless, [codestream], extended=True))
    film = pydicom.dcmread(plain)
    film.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    samples.append(written(film))
    return samples


def in_fragments(path: Path, syntax: str, frames: list[bytes], *, extended: bool = False) -> bytes:
    film = pydicom.dcmread(path)
    film.file_meta.TransferSyntaxUID = syntax
    if extended:
        film.PixelData, film.ExtendedOffsetTable, film.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        film.PixelData = encapsulate(frames)
    film.NumberOfFrames = len(frames)
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    return written(film)


def written(film: Any) -> bytes:
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        film.save_as(file)
    return file.getvalue()


# ------------------------------------------------------------------ elements


def elements_of(data: bytes, place: int = 132) -> list[Element]:
    """Walk the elements of a file of explicit types, as far as they can be walked."""
    found: list[Element] = []
    while place + 8 <= len(data):
        tag, kind = data[place : place + 4], data[place + 4 : place + 6]
        if kind in LONG:
            (length,) = struct.unpack_from("<I", data, place + 8)
            place += 12
        else:
            (length,) = struct.unpack_from("<H", data, place + 6)
            place += 8
        if length == UNDEFINED:
            length = max(data.find(LAST_ITEM, place), place) - place
            found.append((tag, kind + b"!", data[place : place + length]))
            length += len(LAST_ITEM)
        else:
            found.append((tag, kind, data[place : place + length]))
        place += length
    return found


def joined(head: bytes, elements: list[Element], source: random.Random) -> bytes:
    """Write elements, seldom with a length that lies."""
    parts = [head]
    for tag, kind, value in elements:
        length = (
            len(value) if source.random() < 0.99 else source.choice((0, 1, len(value) + 2, 0xFFFE, 2**31, UNDEFINED))
        )
        if kind.endswith(b"!"):
            parts += [tag, kind[:2], bytes(2), struct.pack("<I", UNDEFINED), value, LAST_ITEM]
        elif kind in LONG:
            parts += [tag, kind, bytes(2), struct.pack("<I", length), value]
        else:
            parts += [tag, kind, struct.pack("<H", length & 0xFFFF), value]
    return b"".join(parts)


def mostly(length: int, source: random.Random) -> int:
    """Give a length that seldom lies."""
    return length if source.random() < 0.99 else source.choice((0, 1, length + 2, 0xFFFE, 2**31, UNDEFINED))


def forged_dicom(data: bytes, source: random.Random) -> bytes:
    """Change an element, or a fragment of the pixels with its lengths kept right; else damage bytes."""
    elements = elements_of(data)
    if len(elements) < 5 or source.random() < 0.1:
        return mutated_bytes(data, source)
    head = data[:132] if source.random() < 0.98 else b"MZ" + data[2:132]
    pixels = [number for number, (tag, _, _) in enumerate(elements) if tag == PIXELS]
    if pixels and source.random() < 0.5:
        tag, kind, value = elements[pixels[0]]
        forged = forged_fragments(value, source) if kind.endswith(b"!") else mutated_bytes(value, source)
        elements[pixels[0]] = (tag, kind, forged)
        return joined(head, elements, source)
    place = source.randrange(len(elements))
    tag, kind, value = elements[place]
    match source.randrange(8):
        case 0:
            del elements[place]
        case 1:
            elements.insert(source.randrange(len(elements)), elements[place])
        case 2:
            elements[place] = (
                tag,
                source.choice((*LONG, b"US", b"UL", b"SS", b"DS", b"IS", b"LO", b"UI", b"CS")),
                value,
            )
        case 3:
            name = b"1.2.840.10008.1." + source.choice(SYNTAXES).encode()
            elements = [(b"\2\0\x10\0", b"UI", name + b"\0" * (len(name) % 2)) if one[0] == b"\2\0\x10\0" else one
                        for one in elements]  # fmt: skip
        case _:
            numbers = [number for number, one in enumerate(elements) if one[0][:2] == b"\x28\0"]
            place = source.choice(numbers or [place])
            elements[place] = (elements[place][0], elements[place][1], forged_value(*elements[place][1:], source))
    return joined(head, elements, source)


def forged_value(kind: bytes, value: bytes, source: random.Random) -> bytes:
    if kind in (b"US", b"SS"):
        return struct.pack("<H", source.choice((*SIDES, 8, 12, 32, 64)) & 0xFFFF) * source.choice((1, 1, 1, 0, 3))
    if kind in (b"DS", b"IS"):
        texts = (
            b"0 ",
            b"-1",
            b"1e308 ",
            b"nan ",
            b"inf ",
            b"-1e308",
            b"0.5\\",
            b"\\\\",
            b"\x1b[2J",
            b"1" * 400,
            b"Plantagenet ",
        )
        return source.choice(texts)
    return mutated_bytes(value, source)


# ------------------------------------------------------------------ streams


def forged_fragments(items: bytes, source: random.Random) -> bytes:
    """Forge the stream in one fragment, or how it is divided into fragments."""
    fragments, place = [], 0
    while place + 8 <= len(items):
        (length,) = struct.unpack_from("<I", items, place + 4)
        fragments.append(items[place + 8 : place + 8 + length])
        place += 8 + length
    if len(fragments) < 2:
        return mutated_bytes(items, source)
    chosen = source.randrange(1, len(fragments))
    match source.randrange(8):
        case 0:
            fragments[0] = struct.pack("<I", source.choice(SIDES)) * source.choice((0, 1, 2, 1000))
        case 1:
            half = 2 * source.randrange(len(fragments[chosen]) // 2 + 1)
            fragments[chosen : chosen + 1] = [fragments[chosen][:half], fragments[chosen][half:]]
        case 2:
            fragments.insert(source.randrange(len(fragments)), fragments[chosen])
        case 3:
            del fragments[source.randrange(len(fragments))]
        case _:
            fragments[chosen] = forged_stream(fragments[chosen], source)
    return b"".join(
        ITEM
        + struct.pack(
            "<I", len(one) if source.random() < 0.99 else source.choice((0, 1, len(one) + 4, 2**31, UNDEFINED))
        )
        + one
        for one in (fragment + b"\0" * (len(fragment) % 2) for fragment in fragments)
    )


def forged_stream(stream: bytes, source: random.Random) -> bytes:
    if stream.startswith(b"\xff\xd8"):
        return forged_jpeg(stream, source)
    if stream.startswith(b"\x00\x00\x00\x0cjP"):
        return forged_boxes(stream, source)
    if stream.startswith(b"\xff\x4f"):
        return forged_codestream(stream, source)
    return forged_runs(stream, source)


def forged_boxes(stream: bytes, source: random.Random) -> bytes:
    """Change the length of a box: 0 means to the end, 1 that it follows, and less than 8 cannot be."""
    changed = bytearray(stream)
    length = source.choice((0, 0, 1, 2, 7, 8, 9, 12, 13, 2**31, 2**32 - 1, source.randrange(200)))
    struct.pack_into(">I", changed, source.choice((0, 12, 24)), length)
    if source.random() < 0.3:
        return (
            bytes(changed[:24]) + struct.pack(">I4sQ", 1, b"uuid", source.choice((*SIDES, 2**63))) + bytes(changed[24:])
        )
    return bytes(changed) if source.random() < 0.7 else stream[:32] + forged_codestream(stream[32:], source)


def forged_codestream(stream: bytes, source: random.Random) -> bytes:
    """Change a number of the size, or one that says where a tile ends; or cut and close it."""
    changed = bytearray(stream)
    tile = stream.find(b"\xff\x90")
    match source.randrange(6):
        case 0 | 1 if len(stream) > 50:
            struct.pack_into(">I", changed, 8 + 4 * source.randrange(8), source.choice(SIDES))
        case 2 if len(stream) > 50:
            changed[source.choice((7, 40, 41, 42, 43, 44))] = source.choice((0, 1, 2, 3, 7, 15, 37, 255))
        case 3 if 0 < tile < len(stream) - 12:
            struct.pack_into(">I", changed, tile + 6, source.choice((*SIDES, 12, 13, 14)))
        case 4:
            return stream[: source.randrange(len(stream) + 1)] + b"\xff\xd9"
        case _:
            return mutated_bytes(stream, source)
    return bytes(changed)


def forged_runs(stream: bytes, source: random.Random) -> bytes:
    """Change the header of a run-length stream, or what is behind it."""
    changed = bytearray(stream)
    if len(stream) > 64 and source.random() < 0.5:
        struct.pack_into("<I", changed, 4 * source.randrange(4), source.choice((*SIDES, 64, 65)))
        return bytes(changed)
    return stream[:64] + mutated_bytes(stream[64:], source)
