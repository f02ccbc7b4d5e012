"""Talking to a process that may fail: a line of JSON to it, a line of JSON and numbers back, each with a deadline."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import IO

_LARGEST_HEADER = 1 << 16
_TO_START = 120.0
_TOO_LONG = "decoding it took too long"


class ChildEnded(Exception):  # noqa: N818  # no error of the caller's: it says why there is no answer
    """The child ended, or its time was over."""


def spawn_child(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of ours that answers on its output; it may take some seconds until it listens."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(  # noqa: S603  # our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )


def wait_until_ready(child: subprocess.Popen[bytes]) -> None:
    """Wait for the first line of a child, which says that it listens; end it and raise ChildEnded if none comes."""
    try:
        read_line(child, time.monotonic() + _TO_START)
    except ChildEnded:
        end_child(child)
        raise


def end_child(child: subprocess.Popen[bytes]) -> None:
    """End a process, whatever it is doing.

    In a process that was forked meanwhile only the pipes are closed: the child is its parent's, and goes on.
    """
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()  # reading to its end would wait for a child that goes on
    child.wait()


def write(child: subprocess.Popen[bytes], data: bytes | memoryview, deadline: float) -> None:
    """Send bytes before a deadline of :func:`time.monotonic`, or raise ChildEnded."""
    if child.stdin is None:
        raise ChildEnded("its process has no input")
    data = memoryview(data)  # of which a part is no copy
    while data:
        _wait_for(child.stdin, select.POLLOUT, deadline)
        try:
            # So much a pipe that is ready takes at once; for more, writing would wait, and past the deadline.
            data = data[os.write(child.stdin.fileno(), data[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            raise ChildEnded(_last_words(child)) from None


def read_line(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Read a line that ends in a line feed before a deadline, or raise ChildEnded."""
    line = bytearray()
    while not line.endswith(b"\n"):
        if len(line) > _LARGEST_HEADER:
            raise ChildEnded("its process wrote nonsense")
        line += os.read(_ready_output(child, deadline), 1) or _end_of(child)
    return bytes(line)


def read_into(child: subprocess.Popen[bytes], place: memoryview, deadline: float) -> None:
    """Fill memory with what a child writes before a deadline, or raise ChildEnded."""
    while place:
        count = os.readv(_ready_output(child, deadline), [place])
        if not count:
            _end_of(child)
        place = place[count:]


def _ready_output(child: subprocess.Popen[bytes], deadline: float) -> int:
    """Wait until a child has written something, and return where to read it."""
    if child.stdout is None:
        raise ChildEnded("its process has no output")
    _wait_for(child.stdout, select.POLLIN, deadline)
    return child.stdout.fileno()


def _wait_for(pipe: IO[bytes], event: int, deadline: float) -> None:
    """Wait until a pipe is ready, or closed at its other end."""
    waiting = select.poll()  # select.select knows no descriptors above 1023, which a large program has
    waiting.register(pipe, event)
    if not waiting.poll(1000 * max(0.0, deadline - time.monotonic())):
        raise ChildEnded(_TOO_LONG)


def _end_of(child: subprocess.Popen[bytes]) -> bytes:
    raise ChildEnded(_last_words(child))


def _last_words(child: subprocess.Popen[bytes]) -> str:
    try:
        code = child.wait(1)
    except subprocess.TimeoutExpired:
        return "its process closed its output"
    if code == -signal.SIGXCPU:
        return _TOO_LONG
    return f"its decoder crashed (signal {-code})" if code < 0 else f"its decoder ended the process (code {code})"
