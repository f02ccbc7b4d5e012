"""A model is built of the files that belong together, and of no others."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from torch import nn

from piggygan.errors import (
    BankMismatchError,
    CorruptFileError,
)
from piggygan.files.precision import Precision
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from piggygan.registry.building import read_tensors
from piggygan.registry.store import ObjectStore
from tests.registry.contents import digests, same_bytes, sealed, weights_path

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


def test_tasks_may_be_committed_in_another_order_than_they_were_learned_in(
    tmp_path: Path, make_generator: MakeGenerator, learn: Learn
) -> None:
    model = MultiTaskGenerator(make_generator(), "facades")
    learn(model, "facades")
    for task, draws_on in (("a", ["facades"]), ("b", ["facades"]), ("c", ["facades", "a", "b"])):
        model.add_task(task, draws_on=draws_on)
        learn(model, task)
    registry = TaskRegistry(tmp_path)
    for task in ("facades", "b", "a", "c"):
        registry.commit(model, task)
    assert registry.tasks == ("facades", "b", "a", "c")
    assert digests(registry.load(generator=make_generator())) == digests(model.eval())
    assert [result.state for result in registry.verify(make_generator())] == ["equal"] * 4


def test_the_output_layer_is_kept(tmp_path: Path, make_generator: MakeGenerator) -> None:
    model = MultiTaskGenerator(make_generator(), "facades", output_layer="0")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    assert registry.load(generator=make_generator()).wrapping.output_layer == "0"


def test_c01_a_cut_object_is_refused(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    path = weights_path(registry, "edges")
    data = path.read_bytes()
    for length in (0, 1, 7, 8, 9, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(CorruptFileError, match=f"task 'edges' cannot be loaded: objects/{path.name} has {length}"):
            registry.load(["edges"], make_generator())
    path.write_bytes(data)
    assert registry.load(["edges"], make_generator()).tasks == ("facades", "edges")


def test_c09_a_manifest_and_objects_of_two_registries_are_refused(
    registry: TaskRegistry, make_model: MakeModel, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    """A forged manifest in which the whole task 'facades' was exchanged for another registry's."""
    other = TaskRegistry(tmp_path / "other")
    other.commit(make_model(1), "facades")
    shutil.copytree(other.folder / "objects", registry.folder / "objects", dirs_exist_ok=True)
    manifest = json.loads((registry.folder / "registry.json").read_bytes())
    manifest["tasks"][0] = json.loads((other.folder / "registry.json").read_bytes())["tasks"][0]
    (registry.folder / "registry.json").write_bytes(sealed(manifest))
    with pytest.raises(BankMismatchError, match="'edges' was trained on another 'facades'"):
        registry.load(["edges"], make_generator())
    assert registry.load(["facades"], make_generator()).tasks == ("facades",)
    assert [result.state for result in registry.verify(make_generator())] == ["equal", "damaged", "damaged"]


def test_c06_objects_of_another_task_are_refused(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    manifest = json.loads((registry.folder / "registry.json").read_bytes())
    parts = [task["networks"]["generator"] for task in manifest["tasks"]]
    parts[1]["weights"] = parts[2]["weights"]
    (registry.folder / "registry.json").write_bytes(sealed(manifest))
    with pytest.raises(CorruptFileError, match=r"task 'edges' cannot be loaded: .* other tensors than its certificate"):
        registry.load(["edges"], make_generator())


def test_17_07_weights_that_fit_but_are_others_are_refused_by_all_that_reads_them(
    registry: TaskRegistry, make_model: MakeModel, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    other = TaskRegistry(tmp_path / "other")
    for task in ("facades", "edges"):
        other.commit(make_model(1), task)
    shutil.copytree(other.folder / "objects", registry.folder / "objects", dirs_exist_ok=True)
    manifest = json.loads((registry.folder / "registry.json").read_bytes())
    theirs = json.loads((other.folder / "registry.json").read_bytes())["tasks"][1]["networks"]["generator"]["weights"]
    manifest["tasks"][1]["networks"]["generator"]["weights"] = theirs
    (registry.folder / "registry.json").write_bytes(sealed(manifest))
    results = registry.verify(make_generator())
    assert "holds other tensors than its certificate is of" in results[1].reason
    assert not registry.verify_files()[1].is_sound
    for use in (
        lambda: registry.load(["edges"], make_generator()),
        lambda: registry.export_task("edges", tmp_path / "edges.safetensors"),
    ):
        with pytest.raises(CorruptFileError, match="holds other tensors than its certificate is of"):
            use()


@pytest.mark.parametrize(("stored", "flips"), [("int8", 40), pytest.param(None, 0, marks=pytest.mark.slow)])
def test_a_header_with_a_bit_flipped_gives_the_tensors_that_were_committed_or_is_refused(
    tmp_path: Path, stored: Precision | None, flips: int
) -> None:
    model = MultiTaskGenerator(nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 1, 1)), "dots")
    model.freeze_task("dots")
    model.add_task("lines", init="normal")
    model.freeze_task("lines", stored=stored)
    registry = TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task)
    path, record, objects = (
        weights_path(registry, "lines"),
        registry.describe("lines"),
        ObjectStore(tmp_path / "objects"),
    )
    data, committed = path.read_bytes(), model.task_tensors("lines")
    bits = range(8 * (8 + int.from_bytes(data[:8], "little")))
    for bit in random.Random(0).sample(bits, flips or len(bits)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with suppress(CorruptFileError):  # a space that pads the header may become another one
            assert same_bytes(read_tensors(record, objects), committed), bit
