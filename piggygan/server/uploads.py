"""The files of a request, held in memory: how many bytes, of how many requests, and for how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from piggygan.server.limits import Limits
from piggygan.server.problems import Refusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MULTIPART = "multipart/form-data"
T = TypeVar("T")
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes bytes of what it cannot read
LONGEST_SILENCE = 10.0
"""Seconds that a sender may be silent."""
_LONGEST_HEADER = 4096


@dataclass(frozen=True)
class Upload:
    """A file that was sent.

    Attributes:
        name: What its sender calls it; empty if it was sent alone.
        content: Its bytes.
    """

    name: str
    content: bytes


class Memory:
    """Counts the bytes that all requests hold together.

    Args:
        most: How many they may be.
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0

    def take(self, size: int) -> None:
        """Hold so many more.

        Raises:
            Refusal: If they would be too many just now.
        """
        if self.held + size > self.most:
            raise Refusal(429, "busy", "the server holds too many files just now: try again.", {"Retry-After": "2"})
        self.held += size

    def give(self, size: int) -> None:
        """Hold so many less."""
        self.held -= size


@asynccontextmanager
async def body_of(request: Request, limits: Limits, memory: Memory) -> AsyncIterator[bytes]:
    """Read all that is sent, and hold it while the block runs.

    Raises:
        Refusal: If it is too much, comes too slowly, or there is no room for it just now.
    """
    announced = _announced(request)
    if announced > limits.bytes:
        raise _too_large(limits)
    held = announced
    memory.take(held)
    try:
        chunks = []
        size = 0
        async with _deadline(limits.seconds):
            stream = request.stream().__aiter__()
            while True:
                async with _deadline(LONGEST_SILENCE):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                size += len(chunk)
                if size > limits.bytes:
                    raise _too_large(limits)
                if size > held:  # nothing was announced
                    memory.take(size - held)
                    held = size
                chunks.append(chunk)
        body = b"".join(chunks)
        del chunks
        if not body:
            raise Refusal(400, "no-file", "the request is empty: send the file as its body, or several as multipart.")
        yield body
    except ClientDisconnect:
        raise Refusal(400, "gone", "the sender ended before the file did.") from None
    finally:
        memory.give(held)


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do something as long as there is somebody who waits for it; to be called once all was sent.

    Raises:
        Refusal: If its sender has gone; what was not begun is not done then.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refusal(400, "gone", "the sender did not wait for the answer.")
        return await working
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def files_in(body: bytes, content_type: str, limits: Limits) -> list[Upload]:
    """Take the files out of a body: itself, or the parts of a form that are files.

    Raises:
        Refusal: If the form is broken, holds no file, or too many.
    """
    kind, parameters = parse_options_header(content_type)
    if kind.lower() != MULTIPART.encode():
        return [Upload("", body)]
    form = _Form(limits.files)
    try:
        parser = MultipartParser(parameters.get(b"boundary", b""), form.callbacks)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Refusal(400, "broken-form", "the multipart form is broken.") from None
    if not form.is_whole:
        raise Refusal(400, "broken-form", "the multipart form is cut off.")
    if not form.files:
        raise Refusal(400, "no-file", "the multipart form holds no file: give each part a filename.")
    return form.files


class _Form:
    """Gathers the files of a form while it is parsed."""

    def __init__(self, most: int) -> None:
        self.files: list[Upload] = []
        self.is_whole = False
        self._most, self._parts = most, 0
        self._field, self._value, self._name = bytearray(), bytearray(), ""
        self._data: list[bytes] = []
        self._is_file = False

    @property
    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._header_end,
            "on_part_data": self._on_data,
            "on_part_end": self._end,
            "on_end": self._whole,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._most:
            raise Refusal(413, "too-many-files", f"there are more than {self._most} files: send fewer at once.")
        self._data, self._is_file, self._name = [], False, ""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start : min(end, start + _LONGEST_HEADER)]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start : min(end, start + _LONGEST_HEADER)]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value[:_LONGEST_HEADER]))
            self._is_file = b"filename" in options
            self._name = options.get(b"filename", b"").decode("utf-8", "replace")
        self._field, self._value = bytearray(), bytearray()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._data.append(data[start:end])

    def _end(self) -> None:
        if self._is_file:
            self.files.append(Upload(self._name, b"".join(self._data)))
        self._data = []

    def _whole(self) -> None:
        self.is_whole = True


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _too_large(limits: Limits) -> Refusal:
    return Refusal(
        413,
        "too-large",
        f"the request has more than {limits.bytes} bytes, the most that is taken: send fewer or smaller files.",
        {"Connection": "close"},
    )


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Refusal(408, "too-slow", "the file came too slowly: send it again.", {"Connection": "close"}) from None
