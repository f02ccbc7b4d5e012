"""WebP, BMP and NumPy files: how they are forged, and how they are read."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from piggygan.data import UntrustedReader
from tests.fuzz.driver import Format
from tests.fuzz.mutations import mutated_bytes
from tests.fuzz.picture_formats import SIDES, read_by, saved

HEADERS = (
    b"{'descr': '|O', 'fortran_order': False, 'shape': (24, 23), }",
    b"{'descr': '|u1', 'fortran_order': True, 'shape': (552,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (-24, -23), }",
    b"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (24, 23), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (24, 23, 0), }",
    b"[" * 2000,
    b"(" * 200 + b")" * 200,
    b"__import__('os').abort()",
    b"9" * 3000,
)


def _colours() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (24, 23, 4), dtype=np.uint8))


def webps(folder: Path, reader: UntrustedReader) -> Format:
    """WebP files, with and without losses, transparent, with EXIF, animated."""
    exif = Image.Exif()
    exif[0x0112] = 5
    opaque, transparent = _colours().convert("RGB"), _colours()
    samples = [
        saved(opaque, "WEBP"),
        saved(opaque, "WEBP", lossless=True),
        saved(transparent, "WEBP", lossless=True),
        saved(transparent, "WEBP", exif=exif),
        saved(opaque, "WEBP", save_all=True, append_images=[Image.new("RGB", opaque.size)]),
    ]
    return Format("webp", samples, forged_webp, lambda data: read_by(reader, folder / "case.webp", data))


def forged_webp(data: bytes, source: random.Random) -> bytes:
    """Change one chunk, its name, or which chunks there are, and make the lengths fit; else damage bytes."""
    chunks, place = [], 12
    while place + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, place + 4)
        chunks.append((data[place : place + 4], data[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    if not chunks or source.random() < 0.15:
        return mutated_bytes(data, source)
    at = source.randrange(len(chunks))
    name, content = chunks[at]
    match source.randrange(6):
        case 0:
            del chunks[at]
        case 1:
            chunks.insert(source.randrange(len(chunks) + 1), chunks[at])
        case 2:
            chunks[at] = (
                source.choice((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF", b"EXIF", b"XMP ", b"ICCP")),
                content,
            )
        case 3:
            chunks[at] = (name, content[: source.randrange(len(content) + 1)])
        case _:
            chunks[at] = (name, mutated_bytes(content, source))
    body = b"".join(name + struct.pack("<I", len(one)) + one + b"\0" * (len(one) % 2) for name, one in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def bmps(folder: Path, reader: UntrustedReader) -> Format:
    """BMP files of every depth that Pillow writes."""
    samples = [saved(_colours().convert(mode), "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")]
    return Format("bmp", samples, forged_bmp, lambda data: read_by(reader, folder / "case.bmp", data))


def forged_bmp(data: bytes, source: random.Random) -> bytes:
    """Change one field of the header; else damage bytes."""
    if len(data) < 54 or source.random() < 0.3:
        return mutated_bytes(data, source)
    changed = bytearray(data)
    if source.random() < 0.4:
        values = (0, 1, 2, 3, 4, 5, 8, 12, 16, 24, 32, 64, 0xFFFF)
        struct.pack_into("<H", changed, source.choice((14, 26, 28, 30)), source.choice(values))
    else:
        struct.pack_into("<I", changed, source.choice((2, 10, 14, 18, 22, 34, 46)), source.choice(SIDES))
    return bytes(changed)


def arrays(folder: Path, reader: UntrustedReader) -> Format:
    """NumPy files of every type that is read, and one that is not."""
    numbers = np.random.default_rng(4).random((24, 23, 3))
    samples = []
    for values in (
        (numbers[..., 0] * 255).astype(np.uint8),
        (numbers * 65535).astype(">u2"),
        np.asfortranarray(numbers.astype(np.float32)),
        numbers[..., 0] > 0.5,
        numbers.astype(np.float16),
    ):
        file = io.BytesIO()
        np.save(file, values)
        samples.append(file.getvalue())
    return Format("numpy", samples, forged_array, lambda data: read_by(reader, folder / "case.npy", data))


def forged_array(data: bytes, source: random.Random) -> bytes:
    """Change the header and keep its length right, or cut or lengthen the numbers; else damage bytes."""
    if len(data) < 12 or source.random() < 0.2:
        return mutated_bytes(data, source)
    (length,) = struct.unpack_from("<H", data, 8)
    header, numbers = data[10 : 10 + length], data[10 + length :]
    match source.randrange(4):
        case 0:
            header = source.choice(HEADERS)
        case 1:
            numbers = source.choice((numbers[:-1], numbers + b"\0", b"", numbers * 2))
        case 2:
            numbers = mutated_bytes(numbers, source)
        case _:
            header = mutated_bytes(header, source)
    return data[:8] + struct.pack("<H", len(header) & 0xFFFF) + header + numbers
