"""PNG and JPEG files, chunk by chunk and segment by segment: how they are forged, and how they are read."""

from __future__ import annotations

import io
import itertools
import random
import re
import signal
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from piggygan.data import UntrustedReader
from piggygan.data.dicom.source import Identify
from piggygan.errors import PiggyganError
from tests.fuzz.driver import Format
from tests.fuzz.mutations import mutated_bytes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDES = (0, 1, 2, 7, 8, 16, 23, 24, 25, 47, 48, 49, 255, 256, 1000, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)
_BOMB = zlib.compress(bytes(20_000_000))
LARGEST = 1 << 20
"""Pixels of the largest picture that is decoded; with it no case has a reason to take a GiB."""
NEEDLESS = ("took too long", "MemoryError")


def read_by(reader: UntrustedReader, path: Path, data: bytes, *, identify: Identify = "nothing") -> None:
    """Read a case as a run reads a file, in a process apart: decoders may take theirs down.

    Raises:
        PiggyganError: What the case is refused with.
        AssertionError: If it took time or memory that no such file needs, told a name, or gave no picture.
    """
    listening(reader)
    path.write_bytes(data)
    try:
        picture = reader.read_file(path, 1 + 2 * (len(data) % 2), identify=identify).picture
    except PiggyganError as error:
        if any(word in str(error) for word in (*NEEDLESS, "lantagenet")):
            raise AssertionError(str(error)) from error
        raise
    assert bool((picture.abs() <= 1).all()), "no picture"


def listening(reader: UntrustedReader) -> None:
    """Wait for a process that a case took down to be there again, which is not the next case's time."""
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    reader.is_dicom(Path("nowhere"))
    signal.setitimer(signal.ITIMER_REAL, left)


# ------------------------------------------------------------------ PNG


def pngs(folder: Path, reader: UntrustedReader) -> Format:
    """PNG files of every colour type, interlaced, animated, in many parts."""
    return Format("png", png_samples(), forged_png, lambda data: read_by(reader, folder / "case.png", data))


def png_samples() -> list[bytes]:
    random_numbers = np.random.default_rng(0)
    colours = Image.fromarray(random_numbers.integers(0, 256, (24, 23, 4), dtype=np.uint8))
    wide = Image.fromarray(random_numbers.integers(0, 65536, (24, 23), dtype=np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [colours.convert(mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")]
    samples = [saved(picture, "PNG") for picture in (*pictures, wide)]
    samples.append(saved(colours.convert("L"), "PNG", exif=exif))
    samples.append(saved(colours.convert("L"), "PNG", save_all=True, append_images=[colours.convert("L")]))
    rows = b"".join(b"\0" + bytes(-(-width // 1)) for width, height in adam7(23, 24) for _ in range(height))
    header = struct.pack(">2I5B", 23, 24, 8, 0, 0, 0, 1)
    samples.append(joined_png([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]))
    return samples


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


def adam7(width: int, height: int) -> list[tuple[int, int]]:
    grid = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    return [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in grid]


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], len(SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def joined_png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def forged_png(data: bytes, source: random.Random) -> bytes:
    """Change one chunk and write its checksum anew, or the order of chunks; else damage bytes."""
    chunks = chunks_of(data)
    if len(chunks) < 2 or source.random() < 0.15:
        return mutated_bytes(data, source)
    place = source.randrange(len(chunks))
    name, content = chunks[place]
    match source.randrange(8):
        case 0:
            del chunks[place]
        case 1:
            chunks.insert(source.randrange(len(chunks) + 1), chunks[place])
        case 2:
            chunks.insert(source.randrange(len(chunks)), hostile_chunk(source))
        case 3:
            chunks[place : place + 1] = [(name, content[:7]), (name, content[7:])]
        case _:
            chunks[place] = (name, forged_chunk(name, content, source))
    return joined_png(chunks)


def forged_chunk(name: bytes, content: bytes, source: random.Random) -> bytes:
    if name == b"IHDR" and len(content) == 13:
        changed = bytearray(content)
        if source.random() < 0.6:
            struct.pack_into(">I", changed, 4 * source.randrange(2), source.choice(SIDES))
        else:
            changed[8 + source.randrange(5)] = source.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
        return bytes(changed)
    if name in (b"IDAT", b"fdAT"):
        try:
            rows = zlib.decompress(content)
        except zlib.error:
            return mutated_bytes(content, source)
        changed_rows = source.choice(
            (
                rows[: source.randrange(len(rows) + 1)],
                rows + bytes(source.choice((1, 24, 1000, 500_000))),
                mutated_bytes(rows, source),
                b"",
            )
        )
        packed = zlib.compress(changed_rows, source.choice((0, 1, 9)))
        return packed if source.random() < 0.9 else packed[: source.randrange(len(packed) + 1)]
    return mutated_bytes(content, source)


def hostile_chunk(source: random.Random) -> tuple[bytes, bytes]:
    return source.choice(
        (
            (b"zTXt", b"k\0\0" + _BOMB),
            (b"iTXt", b"k\0\1\0\0\0" + _BOMB),
            (b"iCCP", b"k\0\0" + _BOMB),
            (b"tEXt", b"k\0\x1b[2J\x9b"),
            (b"PLTE", bytes(source.choice((0, 3, 5, 768, 771)))),
            (b"tRNS", bytes(source.choice((0, 1, 2, 6, 256, 300)))),
            (b"eXIf", b"MM\0*\0\0\0\x08" + source.randbytes(30)),
            (b"acTL", struct.pack(">2I", source.choice(SIDES), 0)),
            (b"fcTL", struct.pack(">5I2H2B", 0, source.choice(SIDES), source.choice(SIDES), 1, 1, 0, 0, 3, 9)),
            (b"gAMA", source.randbytes(4)),
            (b"pHYs", source.randbytes(9)),
            (b"ABCD", b""),
            (b"IEND", b""),
        )
    )


# ------------------------------------------------------------------ JPEG


def jpegs(folder: Path, reader: UntrustedReader) -> Format:
    """JPEG files: baseline and progressive, with restarts, in one, three and four components."""
    return Format("jpeg", jpeg_samples(), forged_jpeg, lambda data: read_by(reader, folder / "case.jpg", data))


def jpeg_samples() -> list[bytes]:
    colours = Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 23, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 8
    return [
        saved(colours.convert("L"), "JPEG"),
        saved(colours, "JPEG", exif=exif, comment=b"\x1b[2J"),
        saved(colours, "JPEG", progressive=True),
        saved(colours, "JPEG", restart_marker_blocks=1),
        saved(colours, "JPEG", subsampling=0, optimize=True),
        saved(colours.convert("CMYK"), "JPEG"),
    ]


def segments_of(data: bytes) -> list[bytes]:
    """Cut a stream before each marker, and behind the header of each scan."""
    places = [found.start() for found in re.finditer(rb"\xff[^\x00\xff]", data)]
    places += [
        found.start() + 2 + struct.unpack_from(">H", data, found.start() + 2)[0]
        for found in re.finditer(rb"\xff\xda", data)
        if found.start() + 4 <= len(data)
    ]
    cuts = sorted({0, *[place for place in places if place < len(data)], len(data)})
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


def forged_jpeg(data: bytes, source: random.Random) -> bytes:
    """Change one segment with its length kept right, or which segments there are; else damage bytes."""
    segments = segments_of(data)
    if len(segments) < 3 or source.random() < 0.1:
        return mutated_bytes(data, source)
    place = source.randrange(len(segments))
    match source.randrange(9):
        case 0:
            del segments[place]
        case 1:
            segments.insert(source.randrange(len(segments)), segments[place])
        case 2:
            stray = (b"\xff\xd0", b"\xff\x00", b"\x00", b"\xff\xff\xff", b"\xff\xd8", b"\xff\xdd\0\4\0\1", b"\xff\xd9")
            segments.insert(place, source.choice(stray))
        case 3:
            segments[place] = segments[place][: source.randrange(len(segments[place]) + 1)] + b"\xff\xd9"
        case 4:
            segments[place] = b"\xff" + bytes([source.randrange(0xC0, 0x100)]) + segments[place][2:]
        case 5 | 6:
            frames = [
                number for number, one in enumerate(segments) if one[:2] in (b"\xff\xc0", b"\xff\xc1", b"\xff\xc2")
            ]
            if frames:
                segments[frames[0]] = forged_frame(segments[frames[0]], source)
        case _:
            segments[place] = forged_segment(segments[place], source)
    return b"".join(segments)


def forged_frame(segment: bytes, source: random.Random) -> bytes:
    changed = bytearray(segment)
    if len(changed) < 10 or source.random() < 0.2:
        return forged_segment(segment, source)
    if source.random() < 0.7:
        struct.pack_into(">H", changed, 5 + 2 * source.randrange(2), source.choice(SIDES) & 0xFFFF)
    else:
        changed[source.choice((4, 9, *range(10, len(changed))))] = source.choice(
            (0, 1, 2, 3, 4, 8, 12, 0x11, 0x44, 255)
        )
    return bytes(changed)


def forged_segment(segment: bytes, source: random.Random) -> bytes:
    content = mutated_bytes(segment[4:], source)
    if len(segment) < 4 or source.random() < 0.2:
        return mutated_bytes(segment, source)
    return segment[:2] + struct.pack(">H", min(len(content) + 2, 0xFFFF)) + content
