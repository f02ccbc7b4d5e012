"""A folder elsewhere is a registry itself, written under its lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry import TaskRegistry, push
from piggygan.registry.sharing.folder_remote import FolderRemote
from piggygan.registry.store import ObjectStore


def test_it_is_a_registry_that_others_read(registry: TaskRegistry, tmp_path: Path) -> None:
    push(registry.folder, f"file://{tmp_path}/share")
    assert TaskRegistry(tmp_path / "share").tasks == registry.tasks
    assert TaskRegistry(tmp_path / "share").verify_files().is_sound


def test_another_who_wrote_meanwhile_is_not_overwritten(registry: TaskRegistry, tmp_path: Path) -> None:
    remote = FolderRemote(tmp_path / "share")
    assert remote.head() is None
    push(registry.folder, f"file://{tmp_path}/share", tasks=[registry.tasks[0]])
    with pytest.raises(RegistryError, match="written to by another since it was read: push again"):
        remote.write([], ObjectStore(registry.folder / "objects"), {}, b"{}")
    assert TaskRegistry(tmp_path / "share").tasks == registry.tasks[:1]


def test_links_are_not_followed(registry: TaskRegistry, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "registry.json").symlink_to(registry.folder / "registry.json")
    with pytest.raises(CorruptFileError, match="not a regular file"):
        FolderRemote(tmp_path / "share").head()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(registry: TaskRegistry, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir(mode=0o500)
    with pytest.raises(RegistryError, match="Permission denied"):
        push(registry.folder, f"file://{tmp_path}/share")
