"""Attachments: small sets of tensors that belong to a task, and change nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import CorruptFileError, InputError, PiggyganError, RegistryError, TaskExistsError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from piggygan.registry.attachments import MAX_ATTACHMENT_SIZE, attachment_to_bytes
from tests.registry.contents import files, same_bytes, sealed

MakeGenerator = Callable[[], nn.Sequential]
Learn = Callable[[MultiTaskGenerator, str], None]
FEATURES = {"mean": torch.tensor([0.0, -0.0, 1.5]), "count": torch.tensor(96)}


def attached_path(registry: TaskRegistry, task: str, name: str) -> Path:
    return registry.folder / "objects" / f"{registry.describe(task).attachments[name].digest}.safetensors"


@pytest.fixture
def hands(registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn) -> TaskRegistry:
    """The registry with a task that was committed with attachments."""
    model.add_task("hands", draws_on=["facades"])
    learn(model, "hands")
    registry.commit(model, "hands", attachments={"features": FEATURES, "calibration": {"t": torch.tensor(1.5)}})
    return registry


def test_they_come_back_the_same_bits(hands: TaskRegistry) -> None:
    assert list(hands.describe("hands").attachments) == ["calibration", "features"]
    assert same_bytes(hands.attachment("hands", "features"), FEATURES)
    assert same_bytes(TaskRegistry(hands.folder).attachment("hands", "calibration"), {"t": torch.tensor(1.5)})


def test_one_that_is_added_later_changes_nothing_of_the_task(
    registry: TaskRegistry, make_generator: MakeGenerator
) -> None:
    before, objects = registry.describe("lungs"), files(registry.folder / "objects")
    registry.attach("lungs", "features", FEATURES)
    after = registry.describe("lungs")
    assert after.networks == before.networks
    assert (after.scores, after.created) == (before.scores, before.created)
    assert {name: files(registry.folder / "objects")[name] for name in objects} == objects
    assert same_bytes(registry.attachment("lungs", "features"), FEATURES)
    assert [check.state for check in registry.verify(make_generator())] == ["equal"] * 3


def test_the_same_once_more_is_no_error_and_another_is(hands: TaskRegistry) -> None:
    before = files(hands.folder)
    hands.attach("hands", "features", dict(reversed(FEATURES.items())))
    with pytest.raises(TaskExistsError, match="another attachment 'features' already, which is never overwritten"):
        hands.attach("hands", "features", {"mean": torch.zeros(3)})
    assert files(hands.folder) == before


def test_views_and_shared_memory_are_stored_as_they_read(registry: TaskRegistry) -> None:
    table = torch.arange(6.0).reshape(2, 3)
    given = {"whole": table, "turned": table.T, "row": table[0]}
    registry.attach("lungs", "features", given)
    found = registry.attachment("lungs", "features")
    assert all(torch.equal(found[name], tensor) for name, tensor in given.items())


@pytest.mark.parametrize("name", ["", "Features", "a.b", "../x", "x" * 33, "1st", "a_b", 3])
def test_a_malformed_name_is_refused(registry: TaskRegistry, name: Any) -> None:
    before = files(registry.folder)
    with pytest.raises(InputError, match="cannot name an attachment: use 1 to 32 of a-z"):
        registry.attach("lungs", name, FEATURES)
    assert files(registry.folder) == before


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({}, "needed are tensors by name"),
        (3, "'features' is 3; needed are tensors"),
        ({"mean": 3.0}, "has float as 'mean'"),
        ({3: torch.zeros(1)}, "needed are tensors by name"),
        ({"__metadata__": torch.zeros(1)}, "needed are tensors by name"),
        ({"mean": torch.tensor(torch.nan)}, "NaN or infinity in mean"),
        ({"mean": torch.zeros(1, dtype=torch.float8_e5m2)}, "types that are not stored"),
        ({"mean": torch.eye(2).to_sparse()}, "no plain tensor in memory"),
        ({"mean": torch.zeros(3, device="meta")}, "no plain tensor in memory"),
        ({"mean": torch.zeros(MAX_ATTACHMENT_SIZE, dtype=torch.uint8)}, "the most is 67108864"),
    ],
)
def test_what_cannot_be_stored_is_refused(tensors: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        attachment_to_bytes("features", tensors)


def test_a_task_has_at_most_eight(registry: TaskRegistry) -> None:
    for number in range(8):
        registry.attach("lungs", f"set-{number}", {"number": torch.tensor(number)})
    before = files(registry.folder)
    with pytest.raises(InputError, match="there are 9 attachments; a task has at most 8"):
        registry.attach("lungs", "set-8", FEATURES)
    assert files(registry.folder) == before


def test_one_that_is_not_there_is_said(hands: TaskRegistry) -> None:
    with pytest.raises(RegistryError, match="no attachment 'feature': it has calibration, features"):
        hands.attachment("hands", "feature")
    with pytest.raises(RegistryError, match="it has none"):
        hands.attachment("lungs", "features")


def test_c02_a_damaged_one_is_noticed_and_the_task_is_usable(
    hands: TaskRegistry, make_generator: MakeGenerator
) -> None:
    path = attached_path(hands, "hands", "features")
    data = path.read_bytes()
    for damaged in (data[:-1], data[:-1] + bytes([data[-1] ^ 1]), b"", data * 2):
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError, match="attachment 'features' of task 'hands' cannot be used"):
            hands.attachment("hands", "features")
        for found in (hands.verify(make_generator()), hands.verify_files()):
            states = {check.task: check.state for check in found}
            assert states.pop("hands") == "damaged"
            assert "damaged" not in states.values()
    assert hands.load(["hands"], make_generator()).tasks == ("facades", "hands")
    path.unlink()
    assert not hands.verify_files().is_sound


def test_they_are_repaired_leased_and_collected(hands: TaskRegistry, tmp_path: Path) -> None:
    exported = tmp_path / "hands.safetensors"
    hands.export_task("hands", exported)
    path = attached_path(hands, "hands", "features")
    data = path.read_bytes()
    path.write_bytes(b"")
    assert hands.repair(exported).is_whole
    assert path.read_bytes() == data
    assert hands.gc().removed == ()
    with hands.lease(["hands"]):
        older = hands.folder / "registry.json"
        kept = older.read_bytes()
        fields = json.loads(kept)
        fields["tasks"] = [task for task in fields["tasks"] if task["name"] != "hands"]
        older.write_bytes(sealed({**fields, "schema_version": 1}))
        assert hands.gc().removed == ()
        older.write_bytes(kept)
    hands.remove_task("hands")
    assert f"objects/{path.name}" in hands.gc().removed


def test_they_travel_with_their_task(
    hands: TaskRegistry, other: TaskRegistry, tmp_path: Path, make_generator: MakeGenerator
) -> None:
    for task in ("facades", "hands"):
        hands.export_task(task, tmp_path / f"{task}.safetensors")
        other.import_task(tmp_path / f"{task}.safetensors", make_generator())
    assert other.describe("hands") == hands.describe("hands")
    assert same_bytes(other.attachment("hands", "features"), FEATURES)


def forged(path: Path, change: Callable[[dict[str, Tensor], dict[str, Any]], object]) -> None:
    """Write a task's file anew with something changed and a checksum that holds."""
    from hashlib import sha256

    import safetensors
    import safetensors.torch

    with safetensors.safe_open(path, "pt") as file:
        said = json.loads(file.metadata()["piggygan"])
    tensors = safetensors.torch.load_file(path)
    change(tensors, said)
    said["checksum"] = "0" * 64
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    data = safetensors.torch.save(tensors, metadata={"piggygan": text})
    path.write_bytes(data.replace(b"0" * 64, sha256(data).hexdigest().encode(), 1))


FORGERIES: dict[str, Callable[[dict[str, Tensor], dict[str, Any]], object]] = {
    "another byte": lambda tensors, _: tensors["attachment.features"][-1].bitwise_xor_(1),
    "none": lambda tensors, _: tensors.pop("attachment.features"),
    "of floats": lambda tensors, _: tensors.update({"attachment.features": torch.zeros(3)}),
    "one more": lambda tensors, _: tensors.update({"attachment.more": tensors["attachment.features"].clone()}),
    "huge": lambda _, said: said["record"]["attachments"]["features"].update(size=2**30),
    "another digest": lambda _, said: said["record"]["attachments"]["features"].update(digest="0" * 63 + "1"),
    "a path as name": lambda _, said: said["record"]["attachments"].update({"../x": {"digest": "1" * 64, "size": 1}}),
    "an older format": lambda _, said: said.update(format_version=2),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES.keys())
def test_h01_a_forged_one_is_refused(
    hands: TaskRegistry,
    tmp_path: Path,
    make_generator: MakeGenerator,
    change: Callable[[dict[str, Tensor], dict[str, Any]], object],
) -> None:
    path = tmp_path / "hands.safetensors"
    hands.export_task("hands", path)
    hands.remove_task("hands")
    before = files(hands.folder)
    forged(path, change)
    with pytest.raises(CorruptFileError):
        hands.import_task(path, make_generator())
    assert files(hands.folder) == before


def test_the_forger_above_makes_files_that_are_taken(
    hands: TaskRegistry, tmp_path: Path, make_generator: MakeGenerator
) -> None:
    path = tmp_path / "hands.safetensors"
    hands.export_task("hands", path)
    hands.remove_task("hands")
    forged(path, lambda _tensors, said: said["record"].update(licence="MIT"))
    assert hands.import_task(path, make_generator()) == "hands"


def test_an_object_that_is_no_set_of_tensors_is_refused(hands: TaskRegistry) -> None:
    from hashlib import sha256

    data = b"no safetensors"
    digest = sha256(data).hexdigest()
    (hands.folder / "objects" / f"{digest}.safetensors").write_bytes(data)
    fields = json.loads((hands.folder / "registry.json").read_bytes())
    fields["tasks"][-1]["attachments"]["features"] = {"digest": digest, "size": len(data)}
    (hands.folder / "registry.json").write_bytes(sealed(fields))
    with pytest.raises(PiggyganError, match="cannot be used"):
        hands.attachment("hands", "features")
    assert not hands.verify_files().is_sound
