"""The output folder: new or empty, and nothing in it is ever overwritten."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from piggygan.errors import PredictionError
from piggygan.files import durable
from piggygan.prediction.outputs import OutputFolder


def test_a_folder_with_anything_in_it_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(PredictionError, match="not empty"):
        OutputFolder(tmp_path)
    assert (tmp_path / "mine").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    with pytest.raises(PredictionError, match="cannot be written to"):
        OutputFolder(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"


@pytest.mark.parametrize("link", [False, True])
def test_what_appears_meanwhile_is_not_overwritten(tmp_path: Path, link: bool) -> None:
    folder = OutputFolder(tmp_path / "out")
    folder.write("masks/a.png", b"first")
    if link:
        (tmp_path / "out/masks/a.png").unlink()
        (tmp_path / "out/masks/a.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PredictionError, match="nothing is overwritten"):
        folder.write("masks/a.png", b"second")
    assert link or (tmp_path / "out/masks/a.png").read_bytes() == b"first"
    assert not (tmp_path / "nowhere").exists()


def test_e03_a_full_disk_is_an_error_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = OutputFolder(tmp_path / "out")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(PredictionError, match="No space left"):
        folder.write("masks/a.png", b"content")
    assert list((tmp_path / "out/masks").iterdir()) == []


def test_c12_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(PredictionError, match="Read-only file system"):
        OutputFolder(tmp_path / "out")
