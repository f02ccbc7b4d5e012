"""What a stranger may send: files that are none, and requests that are none; each has to be refused."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from tests.fuzz.picture_formats import joined_png

HEAD = b"POST /api/tasks/lungs/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
KINDS = ("PNG", "JPEG", "TIFF", "WebP", "BMP")
Request = tuple[bytes, ...]
"""Bytes to send, in parts; after the last nothing more is sent."""


def saved(source: random.Random, kind: str) -> bytes:
    """Write a small picture of noise."""
    noise = np.random.default_rng(source.getrandbits(32)).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, format=kind)
    return file.getvalue()


def cut(source: random.Random) -> bytes:
    """A picture that ends early."""
    whole = saved(source, source.choice(KINDS))
    return whole[: source.randrange(1, len(whole) * 9 // 10)]


def bomb(source: random.Random) -> bytes:
    """Few bytes that claim, or unpack to, very many."""
    side = source.choice((20_000, 60_000, 2**31 - 1))
    packed = zlib.compress(bytes(1 << 20), 9)
    png = joined_png([(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", packed), (b"IEND", b"")])
    head = (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    text = joined_png([head, (b"zTXt", b"a\0\0" + packed), (b"IDAT", packed[:20]), (b"IEND", b"")])
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
    array += f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({side}, {side}), }}".encode().ljust(117) + b"\n"
    bitmap = bytearray(saved(source, "BMP"))
    bitmap[18:26] = struct.pack("<ii", side % 2**31, side % 2**31)
    tiff = bytearray(saved(source, "TIFF"))
    place = tiff.find(struct.pack("<HHI", 256, 4, 1))
    if place >= 0:
        tiff[place + 8 : place + 12] = struct.pack("<I", side)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(1 << 20))
    return source.choice((png, text, array, bytes(bitmap), bytes(tiff), archive.getvalue()))


def polyglot(source: random.Random) -> bytes:
    """Something that two programs take for two things; none of them for a picture."""
    page = b"<script>alert(1)</script>"
    start = source.choice(
        (b"MZ" + bytes(126) + b"DICM", b"GIF89a", b"%PDF-1.7\n", b"\x7fELF", b"PK\x03\x04", b"#!/bin/sh\n")
    )
    return start + page + source.randbytes(source.randrange(200))


def of_wrong_type(source: random.Random) -> bytes:
    """Something else altogether."""
    return source.choice(
        (b"<html></html>", b'<svg xmlns="http://www.w3.org/2000/svg"/>', b"P6 1 1 255\nabc", b"../../etc/passwd",
         b"\0" * 100, b"\xff\xd8\xff", b"DICM", b"{}", b"gASVBwAAAAAAAACMA2Zvb5Qu", source.randbytes(300))
    )  # fmt: skip


def broken_form(source: random.Random) -> Request:
    """A form that is cut, empty, full, or a lie."""
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
    body = source.choice(
        (b"", b"--b--\r\n", part, part + b"x", part * 6 + b"x\r\n--b--\r\n", b"\r\n--" * 1000,
         b"--b\r\n" + b"A: b\r\n" * 500,
         b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n--b--\r\n', source.randbytes(300),
         b"--b\r\nContent-Disposition: form-data; filename=\"" + b"../" * 200 + b'"\r\n\r\nx\r\n--b--\r\n')
    )  # fmt: skip
    boundary = source.choice((b"b", b"b", b"", b"x" * 300, b"\xff"))
    return posted(body, b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n")


def broken_request(source: random.Random) -> Request:
    """A request whose head is a lie, or no request."""
    body = b"\x89PNG\r\n\x1a\n" + source.randbytes(50)
    return source.choice(
        (
            (HEAD + b"Content-Length: 10000000000\r\n\r\n", bytes(4096)),
            (HEAD + b"Content-Length: -1\r\n\r\n", body),
            (HEAD + b"Content-Length: 1e9\r\n\r\n", body),
            (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", body),
            (HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\n", body),
            (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n" + body),
            (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"-5\r\n" + body),
            (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n" + bytes(0x10000) + b"\r\n"] * 20),
            (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", body),
            (HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n", body),
            (HEAD + b"X\r\n\r\n", body),
            (HEAD + b"X: \0\r\n\r\n", body),
            (HEAD.replace(b"lungs", b"..%2f..%2fetc"), b"Content-Length: 0\r\n\r\n"),
            (HEAD.replace(b"lungs", b"%00"), b"Content-Length: 0\r\n\r\n"),
            (HEAD.replace(b"/predict", b"/predict?size=99999999"), b"Content-Length: 0\r\n\r\n"),
            (HEAD.replace(b"Host: 127.0.0.1\r\n", b""), b"Content-Length: 0\r\n\r\n"),
            (HEAD.replace(b"127.0.0.1", b"evil.example"), b"Content-Length: 0\r\n\r\n"),
            (HEAD + b"Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n",),
            (HEAD.replace(b"POST", b"PUT"), b"Content-Length: 0\r\n\r\n"),
            (HEAD.replace(b"POST", b"POST\0"), b"\r\n"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
            (b"\x16\x03\x01\x02\x00" + source.randbytes(200),),
            (source.randbytes(100) + b"\r\n\r\n",),
        )
    )  # fmt: skip


def posted(body: bytes, more: bytes = b"") -> Request:
    """Post a body."""
    return (HEAD + more + f"Content-Length: {len(body)}\r\n\r\n".encode(), body)


def requests(count: int, seed: int) -> Iterator[tuple[str, Request]]:
    """Make hostile requests, each with the name of its kind."""
    files: tuple[Callable[[random.Random], bytes], ...] = (cut, bomb, polyglot, of_wrong_type)
    whole: tuple[Callable[[random.Random], Request], ...] = (broken_form, broken_request)
    source = random.Random(seed)
    for _ in range(count):
        make = source.choice((*files, *whole))
        yield make.__name__, posted(make(source)) if make in files else make(source)  # type: ignore[arg-type]
