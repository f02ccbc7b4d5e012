"""A reader and a writer of one file never meet half way."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from piggygan.data.content import read_content
from piggygan.errors import ImageError
from piggygan.files import unwritten as module
from piggygan.files.unwritten import unwritten

SIZE = 1 << 22
LEASES = hasattr(fcntl, "F_SETLEASE")
WRITER = """
import os, sys, time
path, reopens, pause, chunk, size = sys.argv[1], *map(float, sys.argv[2:])
chunk, size = int(chunk), int(size)
descriptor = os.open(path, os.O_WRONLY)
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        if reopens:
            os.close(descriptor)
            descriptor = os.open(path, os.O_WRONLY)
        os.lseek(descriptor, 0, 0)
        for _ in range(0, size, chunk):
            os.write(descriptor, letter * chunk)
        time.sleep(pause)
"""


@contextmanager
def written_in_place(path: Path, *, reopens: bool, pause: float, chunk: int = SIZE) -> Iterator[None]:
    path.write_bytes(b"a" * SIZE)
    command = [sys.executable, "-c", WRITER, str(path), str(int(reopens)), str(pause), str(chunk), str(SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            yield
        finally:
            writer.kill()


@pytest.mark.parametrize(("reopens", "pause", "chunk"), [(True, 0.0, SIZE), (True, 0.01, SIZE), (True, 0.01, SIZE >> 4),
                                                         (False, 0.0, SIZE), (False, 0.01, SIZE >> 4)])  # fmt: skip
@pytest.mark.parametrize(
    "leases", [pytest.param(True, marks=pytest.mark.skipif(not LEASES, reason="no leases")), False]
)
def test_17_03_what_is_overwritten_in_place_is_read_whole_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reopens: bool, pause: float, chunk: int, leases: bool
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    if not leases:
        monkeypatch.setattr(module, "_READ_LEASE", None)
    path, kinds = tmp_path / "film", []
    with written_in_place(path, reopens=reopens, pause=pause, chunk=chunk):
        for _ in range(4):
            try:
                content = read_content(path)
            except ImageError as error:
                assert "another program is writing to it" in str(error) or "was written to while" in str(error)  # noqa: PT017
            else:
                kinds.append(content.count(content[:1]))
    assert set(kinds) <= {SIZE}


@pytest.mark.skipif(not LEASES, reason="this system has no leases")
def test_a_file_that_was_just_written_is_read_at_once_and_a_writer_waits(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(b"old")
    done = threading.Event()

    def write() -> None:
        path.write_bytes(b"new")
        done.set()

    with path.open("rb") as file, unwritten(file.fileno()):
        writer = threading.Thread(target=write)
        writer.start()
        assert not done.wait(0.2)
        assert file.read() == b"old"
    writer.join(5)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("leases", [True, False])
def test_a_file_that_its_maker_keeps_open_is_read_when_it_has_been_left_alone(
    monkeypatch: pytest.MonkeyPatch, leases: bool
) -> None:
    if not leases:
        monkeypatch.setattr(module, "_READ_LEASE", None)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"film")
        file.flush()
        assert read_content(Path(file.name)) == b"film"


def test_a_time_in_the_future_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_LEASE", None)
    (tmp_path / "film").write_bytes(b"film")
    os.utime(tmp_path / "film", (time.time() + 1000,) * 2)
    started = time.monotonic()
    assert read_content(tmp_path / "film") == b"film"
    assert time.monotonic() - started < module.PATIENCE_SECONDS


@pytest.mark.skipif(not LEASES, reason="this system has no leases")
def test_the_writer_that_waits_is_announced_by_no_signal_that_ends_us(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"film")
    script = (
        "import subprocess, sys; from pathlib import Path; from piggygan.files.unwritten import unwritten\n"
        "with open(sys.argv[1], 'rb') as file, unwritten(file.fileno()):\n"
        "    writer = subprocess.Popen([sys.executable, '-c', 'import sys; open(sys.argv[1], \"wb\")', sys.argv[1]])\n"
        "    try: writer.wait(1)\n"
        "    except subprocess.TimeoutExpired: print('waits')\n"
        "print(writer.wait(10))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "film")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stdout) == (0, "waits\n0\n"), found.stderr
