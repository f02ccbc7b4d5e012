"""Pictures written by hand, byte by byte, so that they can be wrong in one place."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import torch
from PIL import Image

RANDOM = np.random.default_rng(5)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, extra: bytes = b"") -> bytes:
    """Write a PNG by hand from its rows, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


PICTURE = Image.fromarray(RANDOM.integers(0, 256, (9, 11, 3), dtype=np.uint8))

PNG_BYTES = encoded(PICTURE, "PNG")

JPEG_BYTES = encoded(PICTURE, "JPEG")


def levels(image: torch.Tensor) -> list[Any]:
    """The values of an image as grey levels 0..255."""
    return ((image.double() + 1) * 127.5).round().int().tolist()
