"""What a registry says of itself is what its manifest says."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import nn

import piggygan
from piggygan.errors import (
    CorruptFileError,
    RegistryError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry, manifest, outline
from tests.registry.contents import files, sealed, weights_path

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


def test_a_record_has_everything_that_was_said(registry: TaskRegistry) -> None:
    record = registry.describe("lungs")
    assert record.draws_on == ("facades", "edges")
    assert record.scores == {"dice": 0.5}
    assert record.image_size == 16
    assert (record.versions.piggygan, record.versions.torch) == (piggygan.__version__, torch.__version__)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(record.created)).total_seconds()) < 600
    part = record.networks["generator"]
    assert (part.settings.in_channels, part.settings.out_channels) == (1, 1)
    assert part.bank == {
        name: registry.describe(name).networks["generator"].certificate.tensors_digest for name in ("facades", "edges")
    }
    assert weights_path(registry, "lungs").stat().st_size == part.weights.size


def test_a_folder_without_a_registry_is_empty_and_is_not_made(tmp_path: Path) -> None:
    registry = TaskRegistry(tmp_path / "none")
    assert registry.tasks == ()
    for read in (registry.load, registry.verify, lambda: registry.describe("lungs")):
        with pytest.raises(RegistryError, match=r"there is no registry in .*none"):
            read()
    assert not (tmp_path / "none").exists()


def test_a_relative_folder_stays_where_it_was_meant(
    registry: TaskRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.folder.parent)
    relative = TaskRegistry(registry.folder.name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert relative.tasks == registry.tasks


def test_c08_a_damaged_manifest_is_refused_by_all_that_read_it(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator, learn: Learn
) -> None:
    path = registry.folder / "registry.json"
    path.write_bytes(path.read_bytes()[:-40])
    before = files(registry.folder)
    model.add_task("hands")
    learn(model, "hands")
    for use in (
        lambda: registry.tasks,
        lambda: registry.describe("lungs"),
        lambda: registry.load(generator=make_generator()),
        lambda: registry.verify(make_generator()),
        lambda: registry.commit(model, "hands"),
    ):
        with pytest.raises(CorruptFileError, match=r"registry\.json is damaged"):
            use()
    assert files(registry.folder) == before


def test_its_names_are_the_manifests_and_no_object_is_needed(registry: TaskRegistry) -> None:
    shutil.rmtree(registry.folder / "objects")
    assert registry.tasks == ("facades", "edges", "lungs")
    assert [record.name for record in registry.records] == list(registry.tasks)
    assert registry.describe("edges") == registry.records[1]
    assert registry.networks == ("generator",)
    assert registry.needs_generator  # a Sequential is nobody's class
    assert repr(registry) == f"TaskRegistry({str(registry.folder)!r})"


def test_its_digest_is_what_sha256sum_says_and_what_is_expected(registry: TaskRegistry) -> None:
    said = f"sha256:{sha256((registry.folder / 'registry.json').read_bytes()).hexdigest()}"
    assert registry.digest == said
    assert TaskRegistry(registry.folder, expect=said).tasks == registry.tasks
    with pytest.raises(CorruptFileError, match="expected was sha256:0000"):
        TaskRegistry(registry.folder, expect=f"sha256:{'0' * 64}").tasks  # noqa: B018  # reading is what is refused


def test_our_own_generators_need_none_given(tmp_path: Path) -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    assert (registry.networks, registry.records) == ((), ())
    with pytest.raises(RegistryError, match="no registry in"):
        registry.needs_generator  # noqa: B018  # reading is what is refused
    registry.commit(model, "facades")
    assert not registry.needs_generator


# ---------------------------------------------------------------- of many tasks


@pytest.fixture
def many(registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch) -> TaskRegistry:
    """As a registry of thousands of tasks is written and read."""
    monkeypatch.setattr(manifest, "MOST_INDENTED", 1)
    monkeypatch.setattr(outline, "MOST_INDENTED", 1)
    registry.attach("lungs", "features", {"mean": torch.zeros(3)})
    return registry


def test_names_of_many_tasks_are_listed_without_their_records(
    many: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = many.records
    monkeypatch.setattr(manifest.TaskRecord, "__post_init__", lambda _: pytest.fail("a record was read"))
    assert many.tasks == tuple(record.name for record in records) == ("facades", "edges", "lungs")
    assert (many.resolve("lungs"), many.members("edges"), many.ensembles) == ("lungs", ("edges",), {})


def test_c02_a_flipped_bit_anywhere_in_a_list_of_many_tasks_is_noticed(many: TaskRegistry) -> None:
    path = many.folder / "registry.json"
    data, chance = path.read_bytes(), random.Random(0)
    assert b"\n" not in data[:-1]
    for bit in (chance.randrange(8 * len(data) - 8) for _ in range(50)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(RegistryError):
            _ = many.tasks


@pytest.mark.parametrize("name", [None, 7, ["a"], "../facades", "", "facades"])
def test_names_that_are_none_are_refused_though_the_checksum_is_right(many: TaskRegistry, name: object) -> None:
    path = many.folder / "registry.json"
    fields = json.loads(path.read_bytes())
    fields["tasks"][1]["name"] = name
    path.write_bytes(sealed(fields))
    with pytest.raises(CorruptFileError, match=r"registry\.json is damaged: task 1 has no name, or that of another"):
        _ = many.tasks
