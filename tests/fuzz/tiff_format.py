"""TIFF files, tag by tag: how they are forged, and how they are read."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from piggygan.data import UntrustedReader
from tests.fuzz.driver import Format
from tests.fuzz.mutations import mutated_bytes
from tests.fuzz.picture_formats import SIDES, read_by, saved

TAGS = (254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 34675)
KINDS = (0, 1, 2, 3, 4, 5, 7, 9, 11, 12, 13, 16, 99)
SMALL = (0, 1, 2, 3, 4, 5, 6, 8, 16, 32, 64, 255, 32773, 32946)


def tiffs(folder: Path, reader: UntrustedReader) -> Format:
    """TIFF files in strips and tiles, packed and plain, of every type of number."""
    return Format("tiff", tiff_samples(), forged_tiff, lambda data: read_by(reader, folder / "case.tif", data))


def tiff_samples() -> list[bytes]:
    numbers = np.random.default_rng(2)
    grey = numbers.integers(0, 256, (24, 23), dtype=np.uint8)
    colours = numbers.integers(0, 256, (24, 23, 3), dtype=np.uint8)
    samples = []
    for values, options in (
        (grey, {}),
        (grey, {"compression": "zlib", "rowsperstrip": 5}),
        (grey.astype(np.uint16) * 257, {"byteorder": ">", "tile": (16, 16)}),
        (grey.astype(np.float32) / 255, {"compression": "zlib", "tile": (16, 16)}),
        (grey.astype(np.uint32), {"bigtiff": True}),
        (colours, {"photometric": "rgb", "compression": "zlib"}),
        (np.moveaxis(colours, -1, 0), {"photometric": "rgb", "planarconfig": "separate"}),
        (grey, {"photometric": "palette", "colormap": numbers.integers(0, 65536, (3, 256), dtype=np.uint16)}),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, values, **options)
        samples.append(file.getvalue())
    picture = Image.fromarray(colours)
    samples += [
        saved(picture, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}),
        saved(picture.convert("1"), "TIFF", compression="packbits"),
        saved(picture.convert("L"), "TIFF", compression="tiff_lzw"),
    ]
    return samples


def entries_of(data: bytes) -> tuple[str, list[int]]:
    """Find the byte order, and where the tags of the first page begin; of files above 4 GiB none."""
    order = ">" if data[:2] == b"MM" else "<"
    if len(data) < 10:
        return order, []
    version, place = struct.unpack_from(f"{order}HI", data, 2)
    if version != 42 or place + 2 > len(data):
        return order, []
    (count,) = struct.unpack_from(f"{order}H", data, place)
    return order, [at for at in range(place + 2, place + 2 + 12 * count, 12) if at + 12 <= len(data)]


def forged_tiff(data: bytes, source: random.Random) -> bytes:
    """Change what one tag says, or its number, type or count; the next page; or bytes."""
    order, entries = entries_of(data)
    if not entries or source.random() < 0.2:
        return mutated_bytes(data, source)
    changed, at = bytearray(data), source.choice(entries)
    match source.randrange(8):
        case 0:
            struct.pack_into(f"{order}H", changed, at, source.choice(TAGS))
        case 1:
            struct.pack_into(f"{order}H", changed, at + 2, source.choice(KINDS))
        case 2:
            struct.pack_into(f"{order}I", changed, at + 4, source.choice((*SMALL, *SIDES)))
        case 3 if entries[-1] + 16 <= len(changed):
            struct.pack_into(f"{order}I", changed, entries[-1] + 12, source.choice((8, entries[0] - 2, *SIDES)))
        case 4:
            other = source.choice(entries)
            changed[at : at + 12], changed[other : other + 12] = changed[other : other + 12], changed[at : at + 12]
        case _:
            (kind,) = struct.unpack_from(f"{order}H", changed, at + 2)
            value = source.choice((*SMALL, *SIDES))
            struct.pack_into(
                f"{order}H" if kind == 3 else f"{order}I", changed, at + 8, value & (0xFFFF if kind == 3 else -1)
            )
    return bytes(changed)
