"""Talking to a process that may fail: a line of JSON to it, a line of JSON and numbers back, each with a deadline."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import time

_LARGEST_HEADER = 1 << 16
_TO_START = 120.0


class ChildEnded(Exception):  # noqa: N818  # no error of the caller's: it says why there is no answer
    """The child ended, or its time was over."""


def start_child(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of ours that answers on its output, and wait until it says that it is ready.

    Raises:
        ChildEnded: If it does not come up.
    """
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(  # noqa: S603  # our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    try:
        read_line(child, time.monotonic() + _TO_START)
    except ChildEnded:
        end_child(child)
        raise
    return child


def end_child(child: subprocess.Popen[bytes]) -> None:
    """End a process, whatever it is doing."""
    child.kill()
    child.communicate()


def write(child: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
    """Send bytes before a deadline of :func:`time.monotonic`, or raise ChildEnded."""
    if child.stdin is None:
        raise ChildEnded("its process has no input")
    while data:
        _, ready, _ = select.select([], [child.stdin], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise ChildEnded("decoding it took too long")
        try:
            data = data[os.write(child.stdin.fileno(), data) :]
        except BrokenPipeError:
            raise ChildEnded(_last_words(child)) from None


def read_line(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Read a line that ends in a line feed before a deadline, or raise ChildEnded."""
    line = bytearray()
    while not line.endswith(b"\n"):
        if len(line) > _LARGEST_HEADER:
            raise ChildEnded("its process wrote nonsense")
        line += _read_some(child, 1, deadline)
    return bytes(line)


def read_exactly(child: subprocess.Popen[bytes], count: int, deadline: float) -> bytearray:
    """Read so many bytes before a deadline, or raise ChildEnded."""
    data = io.BytesIO()
    while data.tell() < count:
        data.write(_read_some(child, min(count - data.tell(), 1 << 20), deadline))
    return bytearray(data.getbuffer())


def _read_some(child: subprocess.Popen[bytes], most: int, deadline: float) -> bytes:
    if child.stdout is None:
        raise ChildEnded("its process has no output")
    ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
    if not ready:
        raise ChildEnded("decoding it took too long")
    data = os.read(child.stdout.fileno(), most)
    if not data:
        raise ChildEnded(_last_words(child))
    return data


def _last_words(child: subprocess.Popen[bytes]) -> str:
    try:
        code = child.wait(1)
    except subprocess.TimeoutExpired:
        return "its process closed its output"
    return f"its decoder crashed (signal {-code})" if code < 0 else f"its decoder ended the process (code {code})"
