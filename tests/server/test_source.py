"""Which registry is served."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.server.held import HeldTasks
from piggygan.server.source import Source


def test_a_registry_that_has_to_be_read_only_is_refused_if_it_is_not(
    clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(clinic, read_only=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert HeldTasks(source.opened()).tasks == ["facades", "lungs"]
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) == (clinic, os.W_OK))
    with pytest.raises(ConfigurationError, match="can be written to"):
        source.opened()


def test_reading_it_changes_nothing_and_a_change_is_seen(clinic: Path, tmp_path: Path) -> None:
    shutil.copytree(clinic, tmp_path / "copy")
    source = Source(tmp_path / "copy")
    stamps = {path: path.lstat().st_mtime_ns for path in (tmp_path / "copy").rglob("*")}
    before = source.stamp()
    HeldTasks(source.opened())
    assert {path: path.lstat().st_mtime_ns for path in (tmp_path / "copy").rglob("*")} == stamps
    assert source.stamp() == before
    os.replace(shutil.copy(tmp_path / "copy/registry.json", tmp_path / "x"), tmp_path / "copy/registry.json")  # noqa: PTH105
    assert source.stamp() != before
    (tmp_path / "copy/registry.json").unlink()
    assert source.stamp() == ()
