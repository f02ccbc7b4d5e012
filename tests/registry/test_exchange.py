"""Tasks carried from one registry to another in a file."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from piggygan.errors import (
    BankMismatchError,
    CorruptFileError,
    FormatVersionError,
    PiggyganError,
    RegistryError,
    TaskNotFoundError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


def test_the_file_is_plain_safetensors_and_says_what_it_is(exported: dict[str, Path], registry: TaskRegistry) -> None:
    with safetensors.safe_open(exported["lungs"], "pt") as file:
        metadata = json.loads(file.metadata()["piggygan"])
        names = set(file.keys())
    assert metadata["format_version"] == 1
    assert metadata["base_task"] == "facades"
    assert metadata["record"]["draws_on"] == ["facades", "edges"]
    assert metadata["record"]["scores"] == {"dice": 0.5}
    assert metadata["network"]["architecture"]["layers"]
    assert metadata["needs"] == {
        task: registry.describe(task).networks["generator"].certificate.tensors_digest for task in ("facades", "edges")
    }
    assert {"probe.inputs", "probe.outputs", "task.0.unconstrained", "task.3.bias"} <= names
    data = exported["lungs"].read_bytes()
    checksum = metadata["checksum"].encode()
    assert data.count(checksum) == 1
    assert sha256(data.replace(checksum, b"0" * 64)).hexdigest() == metadata["checksum"]


def test_the_same_task_makes_the_same_file(registry: TaskRegistry, exported: dict[str, Path], tmp_path: Path) -> None:
    for task, path in exported.items():
        registry.export_task(task, tmp_path / "again.safetensors")
        assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
        (tmp_path / "again.safetensors").unlink()


def test_a_header_whose_length_begins_like_a_pickle_is_none(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn, tmp_path: Path, make_generator: MakeGenerator
) -> None:
    model.add_task("hands")
    learn(model, "hands")
    path = tmp_path / "hands.safetensors"
    for letters in range(0, 2048, 8):
        registry.commit(model, "hands", scores={"x" * (1 + letters): 1.0})
        registry.export_task("hands", path)
        registry.remove_task("hands")
        if path.read_bytes()[0] == 0x80:
            break
        path.unlink()
    assert registry.import_task(path, make_generator()) == "hands"


def test_c14_an_export_overwrites_nothing(registry: TaskRegistry, exported: dict[str, Path], tmp_path: Path) -> None:
    before = exported["lungs"].read_bytes()
    with pytest.raises(RegistryError, match="is there already"):
        registry.export_task("edges", exported["lungs"])
    assert exported["lungs"].read_bytes() == before
    (tmp_path / "dangling.safetensors").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RegistryError, match="is there already"):
        registry.export_task("edges", tmp_path / "dangling.safetensors")
    with pytest.raises(TaskNotFoundError):
        registry.export_task("lung", tmp_path / "new.safetensors")
    with pytest.raises(RegistryError, match="was not written"):
        registry.export_task("edges", tmp_path / "no" / "folder.safetensors")
    assert not (tmp_path / "new.safetensors").exists()


def test_a_damaged_task_is_not_exported(registry: TaskRegistry, tmp_path: Path) -> None:
    for stored in registry.describe("lungs").networks["generator"].objects:
        path = registry.folder / "objects" / f"{stored.digest}.safetensors"
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(CorruptFileError, match=stored.digest):
            registry.export_task("lungs", tmp_path / "x.safetensors")
        path.write_bytes(data)
    assert not (tmp_path / "x.safetensors").exists()


def test_c01_a_file_cut_anywhere_is_refused(other: TaskRegistry, exported: dict[str, Path]) -> None:
    path = exported["edges"]
    data = path.read_bytes()
    for length in [*range(0, 100, 7), *range(100, len(data), 997), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(CorruptFileError):
            other.import_task(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(CorruptFileError, match="checksum"):
        other.import_task(path)


def test_c02_a_flipped_bit_anywhere_is_noticed(other: TaskRegistry, exported: dict[str, Path]) -> None:
    path = exported["edges"]
    data = path.read_bytes()
    for position in [*range(16), *range(16, len(data), 307), len(data) - 1]:
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        with pytest.raises((CorruptFileError, FormatVersionError)):
            other.import_task(path)
    assert not other.folder.exists()


@pytest.mark.parametrize("name", ["x.pt", "x.pth", "x.pkl", "x.bin", "x", "x.safetensors.pt", ".safetensors"])
def test_c07_another_name_than_safetensors_is_refused_and_the_import_named(
    registry: TaskRegistry, exported: dict[str, Path], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(exported["edges"].read_bytes())
    with pytest.raises(RegistryError, match="import-pix2pix"):
        registry.import_task(tmp_path / name)
    with pytest.raises(RegistryError, match=r"ends in \.safetensors"):
        registry.export_task("edges", tmp_path / f"new-{name}".replace("new-.safetensors", ".safetensors"))


def test_c07_a_pickle_under_a_safetensors_name_is_refused(registry: TaskRegistry, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for new_zip in (True, False):
        torch.save({"weight": torch.ones(1)}, path, _use_new_zipfile_serialization=new_zip)
        with pytest.raises(CorruptFileError, match="it is a pickle under another name"):
            registry.import_task(path)


def test_c17_only_a_regular_file_is_opened(registry: TaskRegistry, exported: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.symlink_to(exported["edges"])
    with pytest.raises(CorruptFileError, match="not a regular file"):
        registry.import_task(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CorruptFileError, match="not a regular file"):
        registry.import_task(path)
    with pytest.raises(RegistryError, match="there is no file"):
        registry.import_task(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        struct.pack("<Q", 0),
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 10**5) + b"[" * 10**5,
        safetensors.torch.save({"a": torch.ones(1)}),
        safetensors.torch.save({"a": torch.ones(1)}, {"piggygan": "not JSON"}),
        safetensors.torch.save({"a": torch.ones(1)}, {"piggygan": "{}"}),
        safetensors.torch.save({"a": torch.ones(1)}, {"piggygan": '{"format_version": 1}'}),
        safetensors.torch.save({"a": torch.ones(1)}, {"piggygan": '{"format_version": true}'}),
        safetensors.torch.save({"a": torch.ones(1)}, {"piggygan": '{"format_version": 1' + "0" * 9000 + "}"}),
    ],
)
def test_c03_c08_h11_what_is_no_exported_task_is_refused(registry: TaskRegistry, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(CorruptFileError, match="no task that piggygan exported"):
        registry.import_task(tmp_path / "x.safetensors")


def test_c13_a_newer_format_is_refused_as_such(registry: TaskRegistry, tmp_path: Path) -> None:
    data = safetensors.torch.save({"a": torch.ones(1)}, {"piggygan": '{"format_version": 4}'})
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(FormatVersionError, match="format version 4, written by a newer piggygan"):
        registry.import_task(tmp_path / "x.safetensors")


def reseal(path: Path, metadata: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a file whose checksum is right, without the package's own writer."""
    sealed = {**metadata, "checksum": "0" * 64}
    text = json.dumps(sealed, separators=(",", ":"))
    data = safetensors.torch.save(tensors, {"piggygan": text})
    place = data.index(b'\\"checksum\\":\\"') + len(b'\\"checksum\\":\\"')
    path.write_bytes(data[:place] + sha256(data).hexdigest().encode() + data[place + 64 :])


Change = Callable[[dict[str, Any], dict[str, Tensor]], object]


def other_weights(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["task.0.bias"] += 1


def other_outputs(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["probe.outputs"] += 1


def a_nan(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["task.0.bias"][0] = torch.nan


def double(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["task.0.bias"] = tensors["task.0.bias"].double()


def wider(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["task.0.bias"] = torch.zeros(9)


def one_missing(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    del tensors["task.0.bias"]


def one_more(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["task.9.weight"] = torch.zeros(1)


def a_strange_one(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["../../etc/passwd"] = torch.zeros(1)


def no_probe(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    del tensors["probe.inputs"]


def an_integer_probe(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    tensors["probe.inputs"] = tensors["probe.inputs"].int()


def a_path_for_a_name(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["record"]["name"] = "../edges"


def an_unknown_field(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["code"] = "import os"


def no_bank(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["needs"] = {}


def two_banks(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["needs"]["facades"] = "0" * 64


def another_network(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["network"]["architecture"]["layers"][0] += " x"


def a_huge_fraction(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["record"]["networks"]["generator"]["settings"]["unconstrained_fraction"] = {"*": 1e9}


def a_huge_image(metadata: dict[str, Any], _: dict[str, Tensor]) -> None:
    metadata["record"]["networks"]["generator"]["settings"]["out_channels"] = 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_weights, "its tensors are not those that were committed"),
        (other_outputs, "the stored outputs are not those that were certified"),
        (a_nan, "NaN or infinity in task.0.bias"),
        (double, "0.bias is torch.float64"),
        (wider, r"0.bias is torch.float32 \(9,\)"),
        (one_missing, "0.bias is missing"),
        (one_more, "9.weight is not known"),
        (a_strange_one, "it has the tensors"),
        (no_probe, "it has the tensors"),
        (an_integer_probe, "is not what its certificate says"),
        (a_path_for_a_name, "cannot name a task"),
        (an_unknown_field, "'code' is not known"),
        (no_bank, "need another"),
        (two_banks, "two digests"),
        (another_network, "fingerprint"),
        (a_huge_fraction, "needed is 0 to 1"),
        (a_huge_image, "does not belong"),
    ],
)
def test_c05_c06_c09_h02_a_forged_file_is_refused_and_nothing_is_written(
    other: TaskRegistry, exported: dict[str, Path], make_generator: MakeGenerator, change: Change, message: str
) -> None:
    other.import_task(exported["facades"], make_generator())
    with safetensors.safe_open(exported["edges"], "pt") as file:
        metadata = json.loads(file.metadata()["piggygan"])
    tensors = safetensors.torch.load_file(exported["edges"])
    change(metadata, tensors)
    reseal(exported["edges"], metadata, tensors)
    with pytest.raises(PiggyganError, match=message):
        other.import_task(exported["edges"], make_generator())
    assert other.tasks == ("facades",)
    assert other.verify_files().notes == ()


def test_resealing_alone_changes_nothing(
    other: TaskRegistry, exported: dict[str, Path], make_generator: MakeGenerator
) -> None:
    """Else the forgeries above would be refused for the seal, and prove nothing."""
    with safetensors.safe_open(exported["facades"], "pt") as file:
        metadata = json.loads(file.metadata()["piggygan"])
    reseal(exported["facades"], metadata, safetensors.torch.load_file(exported["facades"]))
    assert other.import_task(exported["facades"], make_generator()) == "facades"


@pytest.mark.parametrize("arguments", [{"depth": 2, "width": 2048}, {"depth": 2, "width": 5}])
def test_h11_a_generator_of_another_size_than_the_tensors_is_never_built(
    other: TaskRegistry, tmp_path: Path, arguments: dict[str, int]
) -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    source = TaskRegistry(tmp_path / "source")
    source.commit(model, "facades")
    path = tmp_path / "facades.safetensors"
    source.export_task("facades", path)
    with safetensors.safe_open(path, "pt") as file:
        metadata = json.loads(file.metadata()["piggygan"])
    architecture = metadata["network"]["architecture"]
    architecture["arguments"] |= arguments
    metadata["fingerprint"] = sha256(json.dumps(architecture, sort_keys=True).encode()).hexdigest()
    reseal(path, metadata, safetensors.torch.load_file(path))
    with pytest.raises(BankMismatchError, match=r"numbers, the base task"):
        other.import_task(path)
    assert not other.folder.exists()


def test_a_task_whose_record_names_another_bank_is_not_exported(registry: TaskRegistry, tmp_path: Path) -> None:
    """A forged manifest; its checksum holds."""
    fields = json.loads((registry.folder / "registry.json").read_bytes())
    del fields["checksum"]
    fields["tasks"][1]["networks"]["generator"]["bank"] = {"facades": "0" * 64}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    fields["checksum"] = sha256(text.encode()).hexdigest()
    (registry.folder / "registry.json").write_text(json.dumps(fields))
    with pytest.raises(CorruptFileError, match="the manifest contradicts itself: its bank has two digests"):
        registry.export_task("edges", tmp_path / "edges.safetensors")
    assert not (tmp_path / "edges.safetensors").exists()


def test_17_07_a_task_whose_outputs_are_not_the_certified_ones_does_not_leave(
    registry: TaskRegistry, tmp_path: Path
) -> None:
    """A forged manifest; its checksum holds."""
    fields = json.loads((registry.folder / "registry.json").read_bytes())
    del fields["checksum"]
    fields["tasks"][1]["networks"]["generator"]["certificate"]["outputs_digest"] = "0" * 64
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    fields["checksum"] = sha256(text.encode()).hexdigest()
    (registry.folder / "registry.json").write_text(json.dumps(fields))
    with pytest.raises(
        CorruptFileError, match=r"'edges' cannot leave, for objects/.* has other outputs than were cert"
    ):
        registry.export_task("edges", tmp_path / "edges.safetensors")
    assert not (tmp_path / "edges.safetensors").exists()
