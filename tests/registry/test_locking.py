from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError, RegistryError, RegistryLockedError
from piggygan.registry import TaskRegistry
from piggygan.registry.locking import HOLDER_NAME, locked, warn_if_anyone_may_write

HOLDER = """
import sys, time
from pathlib import Path
from piggygan.registry.locking import locked
with locked(Path(sys.argv[1]), sys.argv[2], 5.0):
    print("held", flush=True)
    time.sleep(60)
"""


def holding(folder: Path, kind: str = "flock") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), kind], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_f04_f05_the_holder_is_named_and_killed_its_lock_is_free_at_once(tmp_path: Path) -> None:
    process = holding(tmp_path)
    try:
        said = rf"locked by process {process.pid} on {socket.gethostname()} since 20.* for 0\.1 seconds"
        with pytest.raises(RegistryLockedError, match=said), locked(tmp_path, "flock", 0.1):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert json.loads((tmp_path / HOLDER_NAME).read_bytes())["pid"] == process.pid  # a note locks nothing
        before = time.monotonic()
        with locked(tmp_path, "flock", 5.0):
            assert time.monotonic() - before < 4
            assert json.loads((tmp_path / HOLDER_NAME).read_bytes())["pid"] == os.getpid()
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    finally:
        end(process)


STRANGER = """
import fcntl, sys
with open(sys.argv[1]) as file:  # to read it is right enough
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux says who holds a lock")
def test_17_14_a_reader_that_holds_the_lock_is_named(tmp_path: Path) -> None:
    with locked(tmp_path, "flock", 1.0):
        pass
    command = [sys.executable, "-c", STRANGER, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        if str(process.pid) not in Path("/proc/locks").read_text():
            pytest.skip("this machine does not list its locks")
        said = (
            rf"locked by process {process.pid} \(python.*\) of the user with the number {os.getuid()}, which wrote no"
        )
        with pytest.raises(RegistryLockedError, match=said), locked(tmp_path, "flock", 0.1):
            pass
        process.communicate("")
    with locked(tmp_path, "flock", 1.0):
        pass


@pytest.mark.parametrize(
    "note", [b"", b'{"pid": 1', b"[]", b'{"pid": 1, "host": "\\u001b[2J", "since": "x"}', b"x" * 5000]
)
def test_h08_a_damaged_note_is_no_reason_to_fail_and_moves_no_cursor(tmp_path: Path, note: bytes) -> None:
    with locked(tmp_path, "flock", 1.0):
        (tmp_path / HOLDER_NAME).write_bytes(note)
        with pytest.raises(RegistryLockedError) as caught, locked(tmp_path, "flock", 0.0):
            pass
    assert str(caught.value).isprintable()


def test_a_note_that_cannot_be_written_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    (tmp_path / HOLDER_NAME).mkdir()
    with locked(tmp_path, "flock", 1.0):
        pass
    assert (tmp_path / HOLDER_NAME).is_dir()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_f06_without_flock_it_is_refused_and_the_way_out_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_flock)
    with pytest.raises(RegistryError, match=r"no file locks .*lock='soft'"), locked(tmp_path, "flock", 1.0):
        pytest.fail("two writers could be here")
    with (
        locked(tmp_path, "soft", 1.0),
        pytest.raises(RegistryLockedError, match=f"by process {os.getpid()}"),
        locked(tmp_path, "soft", 0.1),
    ):
        pytest.fail("two writers are here")
    with locked(tmp_path, "soft", 0.1):
        pass


def test_any_other_kind_of_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lock is 'none'; it is 'flock'"):
        TaskRegistry(tmp_path, lock="none")  # type: ignore[arg-type]


def test_c17_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path, "flock", 0.1):
        pass
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_h09_a_folder_that_anyone_may_write_to_is_warned_of(registry: TaskRegistry) -> None:
    for folder in (registry.folder, registry.folder / "objects"):
        folder.chmod(0o777)
        with pytest.warns(UserWarning, match=f"any user of this machine may write to {folder}"):
            assert registry.tasks
        folder.chmod(0o755)
    registry.folder.chmod(0o1777)  # only the owner of a file may exchange it there
    warn_if_anyone_may_write(registry.folder)
    assert registry.tasks
