"""Talking to a process that may fail: every way in which it can is a reason in words, before the deadline."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from piggygan.data.untrusted import talking
from piggygan.data.untrusted.talking import (
    ChildEnded,
    end_child,
    read_into,
    read_line,
    spawn_child,
    wait_until_ready,
    write,
)


@contextmanager
def child(code: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that is no module of ours, with the pipes of one."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    try:
        yield process
    finally:
        end_child(process)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


ECHO = "import sys\nfor line in sys.stdin.buffer:\n    sys.stdout.buffer.write(line); sys.stdout.buffer.flush()"


def test_lines_go_there_and_back_and_numbers_after_them() -> None:
    numbers = np.arange(1000, dtype=np.float32)
    with child(ECHO) as process:
        write(process, b"one\ntwo\n", soon())
        assert read_line(process, soon()) == b"one\n"  # and no byte of the next
        assert read_line(process, soon()) == b"two\n"
        data = numbers.tobytes().replace(b"\n", b"\0")
        write(process, data + b"\n", soon())
        found = bytearray(len(data))
        read_into(process, memoryview(found), soon())
        assert bytes(found) == data
        assert read_line(process, soon()) == b"\n"


def test_more_than_a_pipe_holds_is_sent_and_read() -> None:
    count = 1 << 20
    with child(f"import sys; got = len(sys.stdin.buffer.read({count})); sys.stdout.write(f'{{got}}\\n')") as process:
        write(process, bytes(count), soon(20))
        assert read_line(process, soon(20)) == f"{count}\n".encode()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os._exit(7)", r"its decoder ended the process \(code 7\)"),
        ("pass", r"its decoder ended the process \(code 0\)"),
        ("import os; os.kill(os.getpid(), 11)", r"its decoder crashed \(signal 11\)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "decoding it took too long"),
        ("import os, time; os.close(1); time.sleep(60)", "its process closed its output"),
        ("import time; time.sleep(60)", "decoding it took too long"),
        ("print('x' * 70_000, flush=True)", "its process wrote nonsense"),
        ("import sys, time; sys.stdout.write('half'); sys.stdout.flush(); time.sleep(60)", "decoding it took too long"),
    ],
    ids=["code", "end", "crash", "processor", "closed", "silence", "no end of line", "half a line"],
)
def test_why_no_line_comes_is_said(code: str, reason: str) -> None:
    seconds = 0.5 if "sleep" in code and "close" not in code else 20.0
    with child(code) as process, pytest.raises(ChildEnded, match=f"^{reason}$"):
        read_line(process, soon(seconds))


def test_half_of_the_numbers_are_none() -> None:
    with (
        child("import os; os.write(1, bytes(50))") as process,
        pytest.raises(ChildEnded, match="ended the process"),
    ):
        read_into(process, memoryview(bytearray(100)), soon())
    with child("import os, time; os.write(1, bytes(50)); time.sleep(60)") as process:
        started = time.monotonic()
        with pytest.raises(ChildEnded, match="took too long"):
            read_into(process, memoryview(bytearray(100)), soon(0.5))
        assert time.monotonic() - started < 3


def test_nothing_is_read_where_nothing_is_wanted() -> None:
    with child("import time; time.sleep(60)") as process:
        read_into(process, memoryview(b""), soon(0.1))


def test_a_child_that_does_not_listen_is_not_waited_for() -> None:
    with child("import time; time.sleep(60)") as process, pytest.raises(ChildEnded, match="took too long"):
        write(process, bytes(1 << 20), soon(0.3))  # more than the pipe holds
    with child("import sys; sys.exit(3)") as process:
        process.wait()
        with pytest.raises(ChildEnded, match=r"code 3"):
            write(process, b"order\n", soon())


def test_a_child_without_pipes_is_said_to_have_none() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    with pytest.raises(ChildEnded, match="no input"):
        write(process, b"x", soon())
    with pytest.raises(ChildEnded, match="no output"):
        read_line(process, soon())
    process.wait()


FORKING = """
import os, subprocess, sys, time
from piggygan.data.untrusted.talking import end_child, read_line, write
process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
forked = os.fork()
if not forked:
    end_child(process)  # hung: it read to the end of what its parent's child goes on to write
    os._exit(0)
assert os.waitpid(forked, 0)[1] == 0
write(process, b"still here\\n", time.monotonic() + 5)
print(read_line(process, time.monotonic() + 5), flush=True)
end_child(process)
"""


def test_17_13_a_forked_process_ends_nothing_of_its_parents_and_waits_for_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"b'still here\\n'\n"


def test_17_13_a_program_with_very_many_open_files_has_its_answers_too() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip(f"this machine lets a process open {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    try:
        with child(ECHO) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for pipe in (process.stdin, process.stdout):
                high = fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 1100)
                pipe.close()
                mode = "wb" if pipe is process.stdin else "rb"
                setattr(process, "stdin" if pipe is process.stdin else "stdout", os.fdopen(high, mode, buffering=0))
            write(process, b"order\n", soon())
            assert read_line(process, soon()) == b"order\n"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_child_that_never_listens_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "_TO_START", 0.3)
    with child("import time; time.sleep(60)") as process:
        with pytest.raises(ChildEnded, match="took too long"):
            wait_until_ready(process)
        assert process.returncode == -9
    with child("import time; print('{}', flush=True); time.sleep(60)") as process:
        monkeypatch.setattr(talking, "_TO_START", 20.0)
        wait_until_ready(process)
        assert process.poll() is None


def test_a_module_is_started_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: started.append((command, options)))
    spawn_child("piggygan.somewhere", "1", "2")
    ((command, options),) = started  # type: ignore[misc]
    assert command == [sys.executable, "-m", "piggygan.somewhere", "1", "2"]
    assert options["stdin"] == options["stdout"] == subprocess.PIPE
    assert options["stderr"] == subprocess.DEVNULL  # libraries quote patients there
