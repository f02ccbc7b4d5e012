"""Files of strangers: whatever happens in the decoding process, the caller gets pixels or our error."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import DicomRequirements, UntrustedReader, read_image
from piggygan.data.image_file import read_image_file
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
    with (
        UntrustedReader() as reader,
        pytest.raises(DecoderCrashError, match=r"dot\.png' cannot be used.*could not be started"),
    ):
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


@pytest.mark.parametrize("suffix", ["tif", "webp", "bmp", "npy", "jpg"])
def test_every_kind_of_picture_comes_back_too(reader: UntrustedReader, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, PIXELS)
    else:
        Image.fromarray(PIXELS).save(path)
    here, there = read_image_file(path, 1), reader.read_file(path, 1)
    assert torch.equal(there.picture, here.picture)
    assert (there.kind, there.bits, there.digest) == (here.kind, here.bits, here.digest)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ImageError, match=rf"a\.{suffix}"):
        reader.read(path, 1)


def test_more_channels_come_back_too(reader: UntrustedReader, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((6, 8, 5)))
    assert torch.equal(reader.read(tmp_path / "a.npy", 5), read_image(tmp_path / "a.npy", 5))


def test_bytes_in_memory_are_read_as_the_file_of_them(
    reader: UntrustedReader, write_dicom: Write, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 500), dtype=np.uint8)  # more than a pipe holds
    for path in (write_png(tmp_path / "a.png", noise), write_dicom(PIXELS)):
        here, there = read_image_file(path, 3), reader.read_bytes(path.read_bytes())
        assert there.picture.numpy().tobytes() == here.picture.numpy().tobytes()
        assert {**vars(there), "picture": None} == {**vars(here), "picture": None}


def test_bytes_that_are_no_image_are_refused_and_the_next_ones_are_read(
    reader: UntrustedReader, tmp_path: Path
) -> None:
    good = write_png(tmp_path / "a.png", PIXELS).read_bytes()
    for bad in (b"", b"\n" * 100_000, b'{"what": "file"}\n' * 10, good[:-20], b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(ImageError, match="'upload'"):
            reader.read_bytes(bad)
        assert reader.read_bytes(good).picture.shape == (3, 6, 8)
    with pytest.raises(InputTooLargeError, match="an image of 4000000 pixels has fewer"):
        reader.read_bytes(bytes(50_000_000))
