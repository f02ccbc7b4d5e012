"""A task from a file joins the registry that holds its bank, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from piggygan.errors import (
    BankMismatchError,
    ConfigurationError,
    TaskExistsError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from tests.registry.contents import same_bytes

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


def test_a_registry_grows_from_files_to_the_same_bytes(
    registry: TaskRegistry, other: TaskRegistry, exported: dict[str, Path], make_generator: MakeGenerator
) -> None:
    for task in ("facades", "edges", "lungs"):
        assert other.import_task(exported[task], make_generator()) == task
    assert other.tasks == registry.tasks
    here, there = registry.load(generator=make_generator()), other.load(generator=make_generator())
    for task in registry.tasks:
        assert same_bytes(here.task_tensors(task), there.task_tensors(task))
        assert other.describe(task) == registry.describe(task)  # scores, date, versions and certificate came along
    assert [result.state for result in other.verify(make_generator())] == ["equal"] * 3


def test_two_groups_train_on_one_base_apart_and_join(
    tmp_path: Path, make_generator: MakeGenerator, learn: Learn
) -> None:
    model = MultiTaskGenerator(make_generator(), "facades")
    learn(model, "facades")
    ours, theirs = TaskRegistry(tmp_path / "ours"), TaskRegistry(tmp_path / "theirs")
    ours.commit(model, "facades")
    ours.export_task("facades", tmp_path / "facades.safetensors")
    theirs.import_task(tmp_path / "facades.safetensors", make_generator())
    for registry, task in ((ours, "lungs"), (theirs, "hands"), (theirs, "feet")):
        grown = registry.load(generator=make_generator())
        grown.add_task(task)
        learn(grown, task)
        registry.commit(grown, task)
    for task in ("hands", "feet"):
        theirs.export_task(task, tmp_path / f"{task}.safetensors")
        ours.import_task(tmp_path / f"{task}.safetensors", make_generator())
    assert ours.tasks == ("facades", "lungs", "hands", "feet")
    assert [result.state for result in ours.verify(make_generator())] == ["equal"] * 4


def test_a_bank_in_another_order_than_the_registrys_commits_is_built_rightly(
    tmp_path: Path, make_generator: MakeGenerator, learn: Learn
) -> None:
    model = MultiTaskGenerator(make_generator(), "facades")
    learn(model, "facades")
    for task, draws_on in (("a", ["facades"]), ("b", ["facades"]), ("c", ["facades", "a", "b"])):
        model.add_task(task, draws_on=draws_on)
        learn(model, task)
    one, two = TaskRegistry(tmp_path / "one"), TaskRegistry(tmp_path / "two")
    for task in ("facades", "a", "b", "c"):
        one.commit(model, task)
        one.export_task(task, tmp_path / f"{task}.safetensors")
    for task in ("facades", "b", "a", "c"):
        two.import_task(tmp_path / f"{task}.safetensors", make_generator())
    assert [result.state for result in two.verify(make_generator())] == ["equal"] * 4


def test_what_does_not_belong_is_refused_by_name_and_nothing_is_written(
    other: TaskRegistry,
    exported: dict[str, Path],
    make_generator: MakeGenerator,
    make_model: MakeModel,
    tmp_path: Path,
) -> None:
    with pytest.raises(BankMismatchError, match="empty, and 'lungs' is not the base task: commit or import 'facades'"):
        other.import_task(exported["lungs"], make_generator())
    assert not other.folder.exists()
    other.import_task(exported["facades"], make_generator())
    with pytest.raises(BankMismatchError, match="'lungs' needs 'edges', which the registry does not hold"):
        other.import_task(exported["lungs"], make_generator())
    with pytest.raises(TaskExistsError, match="'facades' already"):
        other.import_task(exported["facades"], make_generator())
    with pytest.raises(ConfigurationError, match="give generator="):
        other.import_task(exported["edges"])
    stranger = TaskRegistry(tmp_path / "stranger")
    for task in ("facades", "edges"):
        stranger.commit(make_model(1), task)
    with pytest.raises(BankMismatchError, match="'lungs' was trained on another 'edges', 'facades' than"):
        stranger.import_task(exported["lungs"], make_generator())
    unet = TaskRegistry(tmp_path / "unet")
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    unet.commit(model, "facades")
    with pytest.raises(BankMismatchError, match="another generator: here is a generator of 6 modules"):
        unet.import_task(exported["edges"], make_generator())
    assert other.tasks == unet.tasks == ("facades",)
    assert stranger.tasks == ("facades", "edges")
    assert all(not found.verify_files().notes for found in (other, unet, stranger))
