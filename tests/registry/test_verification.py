"""Damage is found, named task by task, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn

from piggygan.errors import (
    CorruptFileError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from tests.registry.contents import digests, files, weights_path

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


@pytest.mark.parametrize("damage", ["flipped", "missing", "pickle"])
def test_damage_of_one_task_leaves_the_others_usable(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator, learn: Learn, damage: str
) -> None:
    model.add_task("hands", draws_on=["facades"])
    learn(model, "hands")
    registry.commit(model, "hands")
    path = weights_path(registry, "edges")
    if damage == "flipped":
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"\x80\x02}q\x00.".ljust(path.stat().st_size))
    for tasks in (["edges"], ["lungs"], None):
        with pytest.raises(CorruptFileError, match="'edges' cannot be loaded"):
            registry.load(tasks, make_generator())
    expected = {task: digest for task, digest in digests(model.eval()).items() if task in ("facades", "hands")}
    assert digests(registry.load(["hands"], make_generator())) == expected
    results = registry.verify(make_generator())
    assert [(result.task, result.state) for result in results] == [
        ("facades", "equal"),
        ("edges", "damaged"),
        ("lungs", "damaged"),
        ("hands", "equal"),
    ]
    assert path.name in results[1].reason
    assert "draws on 'edges', which cannot be loaded" in results[2].reason


def test_without_its_base_task_everything_is_damaged(registry: TaskRegistry) -> None:
    weights_path(registry, "facades").unlink()
    results = registry.verify()
    assert [result.state for result in results] == ["damaged"] * 3
    assert "is missing" in results[0].reason
    assert results[2].reason == "it needs 'facades'"


def test_c18_verify_changes_nothing(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    weights_path(registry, "edges").write_bytes(b"damaged")
    before = files(registry.folder)
    registry.verify(make_generator())
    assert files(registry.folder) == before


def test_c10_c11_leftovers_are_ignored(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    (registry.folder / ".registry.json.1.ab.tmp").write_bytes(b"half")
    (registry.folder / "objects" / f"{'0' * 64}.safetensors").write_bytes(b"nobody's")
    (registry.folder / "objects" / "lungs").mkdir()
    assert [result.state for result in registry.verify(make_generator())] == ["equal"] * 3


def test_files_that_are_as_they_were_are_said_to_be_that_and_no_more(registry: TaskRegistry) -> None:
    found = registry.verify_files()
    assert [str(result) for result in found][1] == "edges: files equal, outputs not computed"
    assert (len(found), found.is_sound, found[0].task) == (3, True, "facades")
    weights_path(registry, "edges").unlink()
    assert [result.state for result in registry.verify_files()] == ["files equal", "damaged", "files equal"]


def test_what_belongs_to_no_task_is_noted_and_no_damage(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    assert registry.verify_files().notes == ()
    (registry.folder / "objects" / f"{'0' * 64}.safetensors").write_bytes(b"nobody's")
    for found in (registry.verify_files(), registry.verify(make_generator())):
        assert found.is_sound
        assert len(found.notes) == 1
    (registry.folder / "leases").write_bytes(b"no folder")
    (note,) = registry.verify_files().notes
    assert note.startswith("what else lies there could not be told: ")
