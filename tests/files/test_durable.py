"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from piggygan.files.durable import opened_folder, sweep_killed, write_durably


def test_writing_replaces_the_file_and_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old = os.umask(0o027)
    try:
        write_durably(path, b"old")
        write_durably(path, b"new")
    finally:
        os.umask(old)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
def test_e03_e04_after_any_failure_the_old_file_is_whole_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "file"
    write_durably(path, b"old")

    def failing(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, function, failing)
    with pytest.raises(OSError, match="Input/output error"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_e03_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "file"
    write_durably(path, b"old")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))  # a real EFBIG in the middle of the write
    try:
        with pytest.raises(OSError, match="File too large"):
            write_durably(path, b"new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_17_14_a_file_goes_into_the_folder_that_was_opened_whatever_has_its_name_now(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    with opened_folder(here, follow=False) as folder:
        here.rename(tmp_path / "moved")
        here.symlink_to(elsewhere)
        write_durably(here / "file", b"new", folder=folder)
    assert not list(elsewhere.iterdir())
    assert (tmp_path / "moved" / "file").read_bytes() == b"new"
    with pytest.raises(OSError, match="Not a directory"), opened_folder(here, follow=False):
        pytest.fail("a link was followed")


def test_an_interruption_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_durably(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_e06_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        steps.append("fsync " + Path(f"/proc/self/fd/{descriptor}").resolve().name.rpartition(".")[2])
        fsync(descriptor)

    def noted_replace(*args: str, **folders: int) -> None:
        steps.append("replace")
        replace(*args, **folders)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see which file is synced")
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_durably(tmp_path / "file", b"new")
    assert steps == ["fsync tmp", "replace", "fsync " + tmp_path.name]


def test_what_killed_writers_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    write_durably(tmp_path / "kept.json", b"{}")
    for name in (".kept.json.123.0123abcd.tmp", ".mine.tmp", "kept.tmp", ".lock"):
        (tmp_path / name).touch()
    sweep_killed(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".mine.tmp", "kept.json", "kept.tmp"]
