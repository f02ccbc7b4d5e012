"""Files of strangers: whatever happens in the decoding process, the caller gets pixels or our error."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import DicomRequirements, UntrustedReader, read_image
from piggygan.data.untrusted import confinement
from piggygan.data.untrusted.answers import checked_answer
from piggygan.data.untrusted.talking import ChildEnded
from piggygan.errors import (
    ConfigurationError,
    DecoderCrashError,
    DicomError,
    ImageError,
    InputTooLargeError,
    PiggyganError,
)

Write = Callable[..., Path]
PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5

HALF = {
    "bands": [1, 600, 800],
    "file": {
        "digest": "0" * 64, "kind": "PNG", "bits": 8, "aspect": 1.0, "film": None, "source": None, "remarks": [],
    },
}  # fmt: skip
CRASHING = """
import os, sys, time
sys.stdout.write("{}\\n"); sys.stdout.flush()
sys.stdin.readline()
%s
"""


@pytest.fixture(scope="module")
def reader() -> Iterator[UntrustedReader]:
    with UntrustedReader(max_pixels=4_000_000) as reader:
        yield reader


def write_png(path: Path, pixels: Any) -> Path:
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def test_what_comes_back_is_what_would_be_read_here(
    reader: UntrustedReader, write_dicom: Write, tmp_path: Path
) -> None:
    for path in (write_png(tmp_path / os.fsdecode(b"two\nlines \xff.png"), PIXELS), write_dicom(PIXELS)):
        for channels in (1, 3):
            assert torch.equal(reader.read(path, channels), read_image(path, channels))


def test_errors_come_back_as_they_are_and_name_the_file_as_it_was_given(
    reader: UntrustedReader, write_dicom: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dicom(PIXELS, name="film.dcm", Rows=7)
    with pytest.raises(DicomError, match=r"^'film\.dcm' cannot be used: Pixel Data"):
        reader.read("film.dcm")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ImageError, match=r"^'text\.png' is not a PNG or JPEG"):
        reader.read(Path("text.png"))
    write_png(tmp_path / "large.png", np.zeros((2001, 2000), dtype=np.uint8))
    with pytest.raises(InputTooLargeError, match="2000 x 2001"):
        reader.read("large.png")
    with pytest.raises(ImageError, match="No such file"):
        reader.read("missing.png")
    with pytest.raises(ConfigurationError, match="channels is 2"):
        reader.read("large.png", 2)


def test_frames_and_requirements_are_handed_on(reader: UntrustedReader, write_dicom: Write) -> None:
    path = write_dicom(PIXELS, Modality="CT")
    with pytest.raises(DicomError, match="needed is CR or DX"):
        reader.read(path, requirements=DicomRequirements(modalities=("CR", "DX")))
    with pytest.raises(DicomError, match="frame is 1"):
        reader.read(path, frame=1)


def test_b20_a_program_is_refused(reader: UntrustedReader, write_dicom: Write) -> None:
    path = write_dicom(PIXELS)
    path.write_bytes(b"\x7fELF" + path.read_bytes()[4:])
    with pytest.raises(DicomError, match="begins as a program does"):
        reader.read(path)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("os.kill(os.getpid(), 11)", r"crashed \(signal 11\)"),
        ("os._exit(3)", r"ended the process \(code 3\)"),
        ("time.sleep(60)", "took too long"),
        ("sys.stdout.write('x' * 100000); sys.stdout.flush(); time.sleep(60)", "wrote nonsense"),
        (f"print({json.dumps(HALF)!r}, flush=True); time.sleep(60)", "took too long"),
        ("while True: pass", "took too long"),
    ],
    ids=["segmentation fault", "exit", "long sleep", "nonsense", "half an answer", "endless loop"],
)
def test_b17_a_decoder_that_takes_its_process_down_is_our_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, message: str
) -> None:
    # A decoder that does so cannot be ordered; a program that speaks as the child does stands in for it.
    (tmp_path / "child").mkdir()
    program = tmp_path / "child" / "python"
    program.write_text(f"#!/usr/bin/env python3\n{CRASHING % last}")
    program.chmod(0o700)
    path = write_png(tmp_path / "dot.png", PIXELS)
    reader = UntrustedReader(seconds=0.3)
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", str(program))
        started = time.monotonic()
        with pytest.raises(DecoderCrashError, match=rf"dot\.png.*{message}"):
            reader.read(path)
        assert time.monotonic() - started < 10
    reader.close()


def test_b17_the_next_file_gets_a_new_process(reader: UntrustedReader, tmp_path: Path) -> None:
    path = write_png(tmp_path / "dot.png", PIXELS)
    reader.read(path)
    assert reader._child is not None
    former = reader._child.pid
    os.kill(former, signal.SIGKILL)
    reader._child.wait()
    assert torch.equal(reader.read(path), read_image(path))
    assert reader._child.pid != former


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is limited on Linux only")
def test_b18_more_memory_than_allowed_is_our_error_and_not_taken(tmp_path: Path) -> None:
    small, large = write_png(tmp_path / "dot.png", PIXELS), tmp_path / "large.png"
    write_png(large, np.zeros((8000, 8000), dtype=np.uint8))  # 768 MB as three channels of 32 bits
    with UntrustedReader(memory=1 << 29) as reader:
        with pytest.raises((DecoderCrashError, ImageError)):
            reader.read(large)
        reader.read(small)
        assert reader._child is not None
        status = Path(f"/proc/{reader._child.pid}/status").read_text()
        peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        assert peak <= (1 << 29) + (64 << 20)  # what was mapped from files before the limit


def test_a_reader_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_png(tmp_path / "dot.png", PIXELS)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with UntrustedReader() as reader, pytest.raises(DecoderCrashError, match="could not be started"):
        reader.read(path)


@pytest.mark.parametrize("limits", [{"seconds": 0}, {"memory": 0}, {"max_pixels": -1}])
def test_a_limit_that_allows_nothing_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="all must be above 0"):
        UntrustedReader(**limits)


def test_b23_a_patients_name_does_not_come_out(reader: UntrustedReader, write_dicom: Write, capfd: Any) -> None:
    path = write_dicom(PIXELS)
    content = path.read_bytes()
    for length in range(200, len(content), 40):
        path.write_bytes(content[:length])
        with pytest.raises(PiggyganError) as caught:
            reader.read(path)
        assert "lanted" not in str(caught.value).lower()
    said = capfd.readouterr()
    assert "lanted" not in (said.out + said.err).lower()


def running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"


CONFINEMENT = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("confinement", {str(Path(confinement.__file__))!r})
confinement = importlib.util.module_from_spec(spec)
spec.loader.exec_module(confinement)
"""
BUSY = (
    CONFINEMENT
    + """
confinement.end_with_the_caller(sys.stdin.fileno())
print(flush=True)
while True:
    pass
"""
)
LEAVING = f"""
import subprocess, sys, time
arguments = [["-m", "piggygan.data.untrusted.child", str(1 << 30), "10"], ["-c", {BUSY!r}]]
pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
children = [subprocess.Popen([sys.executable, *one], **pipes) for one in arguments]
print([child.stdout.readline() and child.pid for child in children], flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are looked up in /proc")
def test_17_13_a_child_does_not_outlive_a_parent_that_is_killed() -> None:
    """Neither one that waits for orders, nor one that is busy for ever."""
    parent = subprocess.Popen([sys.executable, "-c", LEAVING], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = json.loads(parent.stdout.readline())
    assert all(map(running, children))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while any(map(running, children)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(running, children))


def test_nothing_that_a_child_says_is_believed_that_no_image_could_be() -> None:
    whole = {
        "digest": "0" * 64, "kind": "DICOM", "bits": 8, "aspect": 1.0, "film": None, "remarks": [],
        "source": {"sop_class": "1.2", "sop_instance": "1.2", "study": "1.2", "series": "1.2"},
    }  # fmt: skip
    assert checked_answer({"bands": [1, 2, 2], "file": whole}, 3, 100).height == 2
    film = {
        "modality": None, "body_part": None, "view": None, "position_is_known": True, "burned_in": None,
        "was_lossy": None, "aspect": 1.0, "spacing": [0.2, 0.1], "is_program": False,
    }  # fmt: skip
    believed = checked_answer({"bands": [1, 2, 2], "file": {**whole, "film": film}}, 3, 100).rest["film"]
    assert believed.spacing == (0.2, 0.1)
    nonsense: list[Any] = [
        {},
        [],
        {"bands": [1, 2, 2]},
        {"bands": [2, 2, 2], "file": whole},
        {"bands": [1, 2, 51], "file": whole},
        {"bands": [1, -1, -1], "file": whole},
        {"bands": [1, 2, 2], "file": {**whole, "digest": "x"}},
        {"bands": [1, 2, 2], "file": {**whole, "aspect": float("nan")}},
        {"bands": [1, 2, 2], "file": {**whole, "source": {**whole["source"], "study": "../x"}}},  # type: ignore[dict-item]
        {"bands": [1, 2, 2], "file": {**whole, "film": {**film, "spacing": [0.2, -0.1]}}},
        {"bands": [1, 2, 2], "file": {**whole, "film": {**film, "spacing": [0.2]}}},
        {"bands": [1, 2, 2], "file": {**whole, "more": 1}},
        {"error": "__loader__", "message": ""},
        {"error": "PiggyganError.__init__", "message": ""},
    ]
    for answer in nonsense:
        with pytest.raises(ChildEnded, match="nonsense"):
            checked_answer(answer, 3, 100)
    with pytest.raises(ImageError) as caught:
        checked_answer({"error": "ImageError", "message": "\x1b[2J\u202e" + "x" * 10_000}, 3, 100)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 5_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="files are looked up in /proc")
def test_16_11_the_parent_does_not_open_the_file(
    reader: UntrustedReader, write_dicom: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, picture = write_dicom(PIXELS, name="film"), write_png(tmp_path / "dot.png", PIXELS)
    reader.read(picture)

    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"{arguments[0]} was opened")

    with monkeypatch.context() as patch:
        for place in ("os.open", "builtins.open", "io.open"):
            patch.setattr(place, refuse)
        found = reader.read_file(film, 1)
        assert reader.is_dicom(film)
        assert not reader.is_dicom(picture)
        with pytest.raises(ImageError, match="No such file"):
            reader.read(tmp_path / "missing.png")
    assert found.digest == hashlib.sha256(film.read_bytes()).hexdigest()
    assert found.film is not None


@pytest.mark.slow
def test_17_13_an_honest_picture_of_36_megapixels_is_read(tmp_path: Path) -> None:
    """Of few different rows, so that it is made and read in a moment; what it takes is that of any of its size."""
    path = tmp_path / "large.png"
    Image.new("L", (6000, 6000), 90).resize((6000, 6000)).convert("RGB").save(path, compress_level=1)
    with UntrustedReader() as reader:
        assert reader.read_file(path, 3).picture.shape == (3, 6000, 6000)


def test_17_13_what_decoders_do_not_need_is_given_up(tmp_path: Path) -> None:
    """A decoder that a file took over can write no file, start no program and open no connection."""
    code = (
        CONFINEMENT
        + f"""
import os, socket, threading
given_up = confinement.give_up(1 << 31)
def refused(act):
    try:
        act()
    except PermissionError:
        return True
    return False
acts = {{
    "files": [
        lambda: open({str(tmp_path / "new")!r}, "w"),
        lambda: os.unlink({str(tmp_path / "there")!r}),
        lambda: os.mkdir({str(tmp_path / "folder")!r}),
        lambda: os.symlink("a", {str(tmp_path / "link")!r}),
    ],
    "calls": [lambda: socket.socket(), lambda: os.fork(), lambda: os.execv("/bin/true", ["true"])],
}}
print(given_up, [all(refused(act) for act in acts[what]) for what in given_up[1:]])
thread = threading.Thread(target=lambda: print(open({str(tmp_path / "there")!r}).read()))
thread.start()
thread.join()
"""
    )
    (tmp_path / "there").write_text("still there")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = result.stdout.splitlines()
    assert "False" not in first
    assert second == "still there"
    if sys.platform != "linux" or "calls" not in first:
        pytest.skip(f"this kernel gives up {first} only")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
