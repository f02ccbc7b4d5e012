"""Damaged and missing objects are put back from wherever the same bytes still are, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from piggygan.cli import main
from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry import TaskRegistry

MakeGenerator = Callable[[], nn.Sequential]


def damage(registry: TaskRegistry) -> None:
    """Cut, flip and delete objects."""
    paths = sorted((registry.folder / "objects").iterdir())
    for number, path in enumerate(paths):
        data = path.read_bytes()
        if number % 3 == 0:
            path.unlink()
        else:
            path.write_bytes(data[:-1] if number % 3 == 1 else bytes([data[0] ^ 1]) + data[1:])


@pytest.fixture
def copy(registry: TaskRegistry, tmp_path: Path) -> Path:
    return shutil.copytree(registry.folder, tmp_path / "copy")


@pytest.mark.parametrize("inside", ["", "objects"])
def test_17_16_all_is_put_back_from_a_copy(
    registry: TaskRegistry, copy: Path, make_generator: MakeGenerator, inside: str
) -> None:
    whole = {path.name: path.read_bytes() for path in (copy / "objects").iterdir()}
    damage(registry)
    assert not registry.verify_files().is_sound
    found = registry.repair(copy / inside)
    assert found.is_whole
    assert sorted(found.restored) == sorted(f"objects/{name}" for name in whole)
    assert {path.name: path.read_bytes() for path in (registry.folder / "objects").iterdir()} == whole
    assert registry.verify(make_generator()).is_sound
    assert registry.repair(copy).restored == ()


def test_17_16_a_task_is_put_back_from_its_exported_file_and_what_is_lacking_is_named(
    registry: TaskRegistry, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    file = tmp_path / "lungs.safetensors"
    registry.export_task("lungs", file)
    shutil.rmtree(registry.folder / "objects")
    found = registry.repair(file)
    assert len(found.restored) == 3
    assert found.lacking.keys() == {"facades", "edges"}
    assert [check.is_sound for check in registry.verify_files()] == [False, False, True]
    assert registry.repair(file).restored == ()
    assert not registry.verify(make_generator()).is_sound


def test_17_16_a_source_that_lies_is_not_believed(registry: TaskRegistry, copy: Path) -> None:
    damage(registry)
    damage(TaskRegistry(copy))
    for path in (copy / "objects").iterdir():
        path.write_bytes(b"evil")
    found = registry.repair(copy)
    assert found.restored == ()
    assert found.lacking.keys() == {"facades", "edges", "lungs"}


def test_17_16_a_damaged_manifest_is_put_back_only_where_the_very_one_was_pinned(
    registry: TaskRegistry, copy: Path, make_generator: MakeGenerator
) -> None:
    pin = registry.digest
    (registry.folder / "registry.json").write_bytes(b"{")
    damage(registry)
    with pytest.raises(CorruptFileError, match=r"registry\.json is damaged"):
        registry.repair(copy)
    other = f"sha256:{'0' * 64}"
    with pytest.raises(CorruptFileError, match="expected was"):
        TaskRegistry(registry.folder, expect=other).repair(copy)
    assert TaskRegistry(registry.folder, expect=pin).repair(copy).is_whole
    assert registry.verify(make_generator()).is_sound


def test_17_16_a_folder_in_the_place_of_an_object_is_named_and_all_others_are_put_back(
    registry: TaskRegistry, copy: Path
) -> None:
    first, *others = sorted((registry.folder / "objects").iterdir())
    for path in (first, *others):
        path.unlink()
    (first / "inside").mkdir(parents=True)
    with pytest.raises(RegistryError, match=rf"objects/{first.name}: a folder .* Move it away .* {len(others)} files"):
        registry.repair(copy)
    assert all(path.read_bytes() == (copy / "objects" / path.name).read_bytes() for path in others)
    shutil.rmtree(first)
    assert registry.repair(copy).restored == (f"objects/{first.name}",)


def test_17_16_what_is_no_source_is_refused(registry: TaskRegistry, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for source in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(RegistryError, match="neither a folder, of a registry or of objects, nor a task"):
            registry.repair(source)


def test_17_16_where_there_is_no_registry_nothing_is_made(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="there is no registry in"):
        TaskRegistry(tmp_path / "nowhere").repair(copy)
    assert not (tmp_path / "nowhere").exists()


def test_17_16_the_command_says_what_was_put_back_and_what_could_not_be_had(
    registry: TaskRegistry, copy: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = str(registry.folder)
    registry.export_task("edges", tmp_path / "edges.safetensors")
    shutil.rmtree(registry.folder / "objects")
    assert main(["verify", folder]) == 1
    assert "piggygan repair REGISTRY --from COPY" in capsys.readouterr().out
    assert main(["repair", folder, "--from", str(tmp_path / "edges.safetensors")]) == 1
    printed = capsys.readouterr().out
    assert "facades: lacks objects/" in printed
    assert printed.count("put back") >= 1
    assert main(["repair", folder, "--from", str(copy)]) == 0
    assert "lacks" not in capsys.readouterr().out
    assert main(["verify", folder]) == 0
