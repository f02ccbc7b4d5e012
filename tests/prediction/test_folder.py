"""The output folder: one process has it, nothing of anybody else's is touched, and nothing half made stays."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

import pytest

from piggygan.errors import PredictionError
from piggygan.prediction import folder as folder_module
from piggygan.prediction.folder import JOURNAL, STAGING, PredictionFolder


def test_a_folder_that_holds_anything_else_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(PredictionError, match="not empty, and nothing is overwritten"):
        PredictionFolder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_two_at_once_are_one_and_a_refusal(tmp_path: Path) -> None:
    first = PredictionFolder(tmp_path / "out")
    (first.staging / "made").touch()
    with pytest.raises(PredictionError, match="another process is predicting into"):
        PredictionFolder(tmp_path / "out")
    assert (first.staging / "made").exists()
    first.leave()
    PredictionFolder(tmp_path / "out").leave()


def test_what_a_killed_run_left_half_made_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / STAGING).mkdir()
    (tmp_path / STAGING / "half").touch()
    folder = PredictionFolder(tmp_path)
    assert list(folder.staging.iterdir()) == []
    folder.leave()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_which_nothing_was_predicted_is_as_before(tmp_path: Path) -> None:
    PredictionFolder(tmp_path / "deep/out").leave()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_journal_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").touch()
    out = tmp_path / "out"
    out.mkdir()
    {
        "link": lambda: (out / JOURNAL).symlink_to(tmp_path / "elsewhere"),
        "pipe": lambda: os.mkfifo(out / JOURNAL),
        "folder": (out / JOURNAL).mkdir,
    }[kind]()
    with pytest.raises(PredictionError):
        PredictionFolder(out)
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_an_output_is_held_changed_or_missing(tmp_path: Path) -> None:
    folder = PredictionFolder(tmp_path)
    digest = hashlib.sha256(b"mask").hexdigest()
    assert folder.holds("masks/a.png", digest) is None
    (folder.staging / "1").write_bytes(b"mask")
    assert folder.place("masks/a.png", "1") == tmp_path / "masks"
    assert folder.holds("masks/a.png", digest) is True
    (tmp_path / "masks/a.png").write_bytes(b"drawn by hand")
    assert folder.holds("masks/a.png", digest) is False
    (tmp_path / "masks/b.png").symlink_to(tmp_path / "masks/a.png")
    assert folder.holds("masks/b.png", hashlib.sha256(b"drawn by hand").hexdigest()) is False
    folder.leave()


def test_where_there_are_no_locks_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(fcntl.LOCK_NB and 95, "Operation not supported")  # EOPNOTSUPP

    monkeypatch.setattr(folder_module.fcntl, "flock", none)
    with pytest.warns(UserWarning, match="no locks: let no two processes"):
        PredictionFolder(tmp_path / "out").leave()


def test_c12_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PredictionError, match="cannot be written to"):
        PredictionFolder(tmp_path / "file" / "out")
