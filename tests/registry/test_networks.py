"""A registry of two named networks: one task, one commit, in both or in none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import piggygan.registry.registry as registry_module
from piggygan.errors import BankMismatchError, ConfigurationError, CorruptFileError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.pair import GeneratorPair
from piggygan.networks import ResNetGenerator
from piggygan.registry import TaskRegistry


def make_pair(seed: int = 0) -> GeneratorPair:
    torch.manual_seed(seed)
    pair = GeneratorPair(*(MultiTaskGenerator(ResNetGenerator(blocks=1, width=4), "facades") for _ in range(2)))
    pair.freeze_task("facades")
    pair.add_task("lungs", out_channels=1)
    with torch.no_grad():
        for parameter in pair.task_parameters("lungs"):
            parameter.add_(torch.randn_like(parameter) * 0.05)
    pair.freeze_task("lungs")
    return pair


@pytest.fixture
def pair() -> GeneratorPair:
    return make_pair()


@pytest.fixture
def stored(pair: GeneratorPair, tmp_path: Path) -> TaskRegistry:
    registry = TaskRegistry(tmp_path / "clinic")
    for task in pair.tasks:
        registry.commit(pair.networks, task, scores={"dice": 0.5})
    return registry


def outputs(model: MultiTaskGenerator, task: str) -> bytes:
    channels = model.describe_task(task).in_channels or 3
    images = torch.rand(1, channels, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        return model.eval()(images, task=task).numpy().tobytes()


def test_either_direction_loads_alone_with_the_same_bits(pair: GeneratorPair, stored: TaskRegistry) -> None:
    assert stored.networks == ("backward", "forward")
    for network, model in pair.networks.items():
        loaded = stored.load(network=network)
        assert loaded.tasks == ("facades", "lungs")
        assert all(outputs(loaded, task) == outputs(model, task) for task in pair.tasks)


def test_one_direction_reads_no_file_of_the_other(stored: TaskRegistry) -> None:
    for record in stored.records:
        for part in record.networks["backward"].objects:
            others = {file.digest for file in record.networks["forward"].objects}
            if part.digest not in others:
                (stored.folder / "objects" / f"{part.digest}.safetensors").unlink()
    assert stored.load(network="forward").tasks == ("facades", "lungs")
    with pytest.raises(CorruptFileError):
        stored.load(network="backward")


def test_of_several_networks_one_has_to_be_named(stored: TaskRegistry) -> None:
    for network in (None, "sideways"):
        with pytest.raises(ConfigurationError, match="this registry holds backward, forward: name one"):
            stored.load(network=network)


def test_verify_checks_each_task_in_both_directions(stored: TaskRegistry) -> None:
    lines = ["facades, backward: equal", "facades, forward: equal", "lungs, backward: equal", "lungs, forward: equal"]
    assert [str(result) for result in stored.verify()] == lines
    assert all(result.is_sound for result in stored.verify_files())
    digest = stored.describe("lungs").networks["backward"].weights.digest
    (stored.folder / "objects" / f"{digest}.safetensors").write_bytes(b"")
    for found in (stored.verify(), stored.verify_files()):
        assert [result.is_sound for result in found] == [True, True, False, True]


def test_a_task_in_one_direction_only_is_refused(pair: GeneratorPair, stored: TaskRegistry) -> None:
    pair.forward.add_task("hearts")
    pair.forward.freeze_task("hearts")
    before = stored.records
    with pytest.raises(TaskNotFoundError, match="'hearts' is missing in backward"):
        stored.commit(pair.networks, "hearts")
    with pytest.raises(BankMismatchError, match="holds the networks 'backward', 'forward', given is the task in"):
        stored.commit({"forward": pair.forward}, "hearts")
    with pytest.raises(BankMismatchError, match="given is the task in 'generator'"):
        stored.commit(pair.forward, "hearts")
    assert stored.records == before


def test_networks_that_disagree_on_the_bank_are_refused(pair: GeneratorPair, stored: TaskRegistry) -> None:
    pair.forward.add_task("hearts", draws_on=["facades"])
    pair.backward.add_task("hearts")
    pair.freeze_task("hearts")
    with pytest.raises(BankMismatchError, match="do not agree"):
        stored.commit(pair.networks, "hearts")


def test_the_other_direction_is_refused_by_its_name(pair: GeneratorPair, stored: TaskRegistry) -> None:
    other = make_pair(seed=1)
    for one in (pair, other):
        one.add_task("hearts", draws_on=["facades"])
        one.freeze_task("hearts")
    with pytest.raises(BankMismatchError, match="another 'facades'"):
        stored.commit({"forward": pair.forward, "backward": other.backward}, "hearts")


def test_a_death_at_any_write_of_a_commit_leaves_the_task_in_both_directions_or_in_none(
    pair: GeneratorPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    whole = TaskRegistry(tmp_path / "whole")
    whole.commit(pair.networks, "facades")
    for left in range(20):
        folder = tmp_path / str(left)
        shutil.copytree(whole.folder, folder)
        registry, count = TaskRegistry(folder), left

        put = registry._objects.put
        manifest = registry._head.put
        monkeypatch.setattr(registry._objects, "put", lambda data: counted(put, data))  # noqa: B023
        monkeypatch.setattr(registry._head, "put", lambda data: counted(manifest, data))  # noqa: B023

        def counted(act: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal count
            if not count:
                raise PowerCut
            count -= 1
            return act(*arguments)

        try:
            registry.commit(pair.networks, "lungs")
        except PowerCut:
            is_done = False
        else:
            is_done = True
        monkeypatch.undo()
        found = TaskRegistry(folder)
        assert [set(record.networks) for record in found.records] == [{"forward", "backward"}] * (1 + is_done)
        assert found.verify_files().is_sound
        if is_done:
            assert left == 7  # three objects in each direction, and the manifest
            return
    pytest.fail("no commit was ever done")


def test_gc_keeps_what_either_direction_needs(stored: TaskRegistry) -> None:
    assert stored.gc().removed == ()
    stored.remove_task("lungs")
    assert stored.gc().removed
    assert stored.verify().is_sound
    assert stored.load(network="backward").tasks == ("facades",)


def test_a_task_travels_in_one_file_with_both_directions(
    pair: GeneratorPair, stored: TaskRegistry, tmp_path: Path
) -> None:
    other = TaskRegistry(tmp_path / "other")
    for task in pair.tasks:
        stored.export_task(task, tmp_path / f"{task}.safetensors")
        assert other.import_task(tmp_path / f"{task}.safetensors") == task
    assert other.records == stored.records
    assert outputs(other.load(network="backward"), "lungs") == outputs(pair.backward, "lungs")


def test_a_file_of_both_directions_is_refused_where_one_network_is(
    pair: GeneratorPair, stored: TaskRegistry, tmp_path: Path
) -> None:
    registry = TaskRegistry(tmp_path / "one")
    registry.commit(pair.forward, "facades")
    stored.export_task("lungs", tmp_path / "lungs.safetensors")
    with pytest.raises(BankMismatchError, match="holds the networks 'generator', given is the task in"):
        registry.import_task(tmp_path / "lungs.safetensors")


def test_a_file_is_refused_when_one_direction_computes_something_else(
    stored: TaskRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.export_task("lungs", tmp_path / "lungs.safetensors")
    stored.remove_task("lungs")
    read = registry_module.read_task_file

    def changed(path: Path) -> Any:
        file = read(path)
        tensors = {name: tensor + tensor.is_floating_point() for name, tensor in file.parts["backward"].tensors.items()}
        return replace(file, parts={**file.parts, "backward": replace(file.parts["backward"], tensors=tensors)})

    monkeypatch.setattr(registry_module, "read_task_file", changed)
    with pytest.raises(CorruptFileError, match="not what its certificate says"):
        stored.import_task(tmp_path / "lungs.safetensors")
    assert stored.tasks == ("facades",)


def test_a_commit_of_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="given is no model"):
        TaskRegistry(tmp_path / "new").commit({}, "facades")
    assert not (tmp_path / "new").exists()
