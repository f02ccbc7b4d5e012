"""Where signers are required, what they did not sign is not used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry import TaskRegistry, new_key
from tests.registry.contents import sealed

pytest.importorskip("cryptography")

GOLDEN = Path(__file__).parent / "golden"
MakeGenerator = Callable[[], nn.Sequential]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "signing.pem"


@pytest.fixture
def public(key: Path) -> str:
    return new_key(key)


def sign_all(registry: TaskRegistry, key: Path) -> None:
    for task in registry.tasks:
        registry.sign_task(task, key)


def test_signed_tasks_are_loaded_where_signers_are_required_and_others_are_not(
    registry: TaskRegistry, key: Path, public: str, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    strict = TaskRegistry(registry.folder, signers=[public])
    with pytest.raises(CorruptFileError, match=f"'facades' is signed by none of {public}"):
        strict.load(generator=make_generator())
    assert registry.sign_task("facades", key) == public
    assert registry.sign_task("edges", key) == public
    assert strict.load(["edges"], make_generator()).tasks == ("facades", "edges")
    for refused in (
        lambda: strict.load(["lungs"], make_generator()),
        lambda: strict.export_task("lungs", tmp_path / "lungs.safetensors"),
    ):
        with pytest.raises(CorruptFileError, match="'lungs' is signed by none of"):
            refused()
    assert [check.state for check in strict.verify(make_generator())] == ["equal", "equal", "damaged"]
    other = new_key(tmp_path / "other.pem")
    with pytest.raises(CorruptFileError, match="signed by none of"):
        TaskRegistry(registry.folder, signers=[other]).load(["edges"], make_generator())
    registry.sign_task("facades", tmp_path / "other.pem")  # two may sign one task
    for signer in (public, other):
        assert TaskRegistry(registry.folder, signers=[signer]).load([], make_generator()).tasks == ("facades",)
    assert registry.verify(make_generator()).notes == ()
    assert registry.gc().removed == ()


def test_17_07_weights_exchanged_with_their_certificate_carry_no_signature(
    registry: TaskRegistry, key: Path, public: str, make_generator: MakeGenerator, tmp_path: Path, make_model: object
) -> None:
    """Whoever may write the registry can make another that is sound in itself, and not sign it."""
    sign_all(registry, key)
    forged = TaskRegistry(tmp_path / "forged")
    for task in registry.tasks:
        forged.commit(make_model(1), task)  # type: ignore[operator]
    for path in (forged.folder / "objects").iterdir():
        (registry.folder / "objects" / path.name).write_bytes(path.read_bytes())
    (registry.folder / "registry.json").write_bytes((forged.folder / "registry.json").read_bytes())
    assert registry.verify(make_generator()).is_sound
    with pytest.raises(CorruptFileError, match="changed since"):
        TaskRegistry(registry.folder, signers=[public]).load(generator=make_generator())


def test_a_signature_travels_with_the_exported_file_and_is_required_of_it(
    registry: TaskRegistry, key: Path, public: str, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    unsigned, file = tmp_path / "unsigned.safetensors", tmp_path / "facades.safetensors"
    registry.export_task("facades", unsigned)
    registry.sign_task("facades", key)
    registry.export_task("facades", file)
    there = TaskRegistry(tmp_path / "there", signers=[public])
    with pytest.raises(CorruptFileError, match="'facades' is signed by none"):
        there.import_task(unsigned, make_generator())
    assert not (tmp_path / "there").exists()
    there.import_task(file, make_generator())
    assert there.load(generator=make_generator()).tasks == ("facades",)
    assert TaskRegistry(tmp_path / "anyone").import_task(unsigned, make_generator()) == "facades"


def test_a_damaged_task_is_not_signed(registry: TaskRegistry, key: Path, public: str) -> None:
    assert public
    weights = registry.describe("facades").networks["generator"].weights
    (registry.folder / "objects" / f"{weights.digest}.safetensors").unlink()
    with pytest.raises(CorruptFileError, match="is missing"):
        registry.sign_task("edges", key)
    assert not (registry.folder / "signatures").exists()


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format_version": 2, "signatures": []}', b"[" * 1000, b"\xff"])
def test_damaged_signatures_are_a_typed_error_and_harm_nobody_who_requires_none(
    registry: TaskRegistry, key: Path, public: str, make_generator: MakeGenerator, data: bytes
) -> None:
    sign_all(registry, key)
    (registry.folder / "signatures" / "edges.json").write_bytes(data)
    with pytest.raises(CorruptFileError, match=r"signatures/edges\.json is damaged .*signed again"):
        TaskRegistry(registry.folder, signers=[public]).load(["edges"], make_generator())
    assert registry.load(["edges"], make_generator()).tasks == ("facades", "edges")


def test_signatures_are_not_written_or_read_through_a_link(
    registry: TaskRegistry, key: Path, public: str, tmp_path: Path, make_generator: MakeGenerator
) -> None:
    (tmp_path / "evil").mkdir()
    (registry.folder / "signatures").symlink_to(tmp_path / "evil")
    with pytest.raises(RegistryError):
        registry.sign_task("facades", key)
    with pytest.raises(RegistryError):
        TaskRegistry(registry.folder, signers=[public]).load([], make_generator())
    assert not list((tmp_path / "evil").iterdir())


def test_a_signature_holds_for_what_format_1_says_and_covers_what_format_2_adds(
    registry: TaskRegistry, key: Path, public: str, make_generator: MakeGenerator
) -> None:
    sign_all(registry, key)
    registry.attach("lungs", "features", {"mean": torch.zeros(3)})
    strict = TaskRegistry(registry.folder, signers=[public])
    assert strict.load(["edges"], make_generator()).tasks == ("facades", "edges")
    for refused in (
        lambda: strict.load(["lungs"], make_generator()),
        lambda: strict.attachment("lungs", "features"),
    ):
        with pytest.raises(CorruptFileError, match="'lungs' is signed by none of"):
            refused()
    registry.sign_task("lungs", key)
    assert strict.load(["lungs"], make_generator()).tasks == ("facades", "edges", "lungs")
    signed = (registry.folder / "registry.json").read_bytes()
    changes: list[dict[str, object]] = [
        {"licence": "MIT"},
        {"data": {"statement": "Other films."}},
        {"member": {"group": "others", "number": 1, "of": 2}},
        {"attachments": {}},
    ]
    for change in changes:
        fields = json.loads(signed)
        fields["tasks"][-1].update(change)
        fields["tasks"][-1] = {name: value for name, value in fields["tasks"][-1].items() if value != {}}
        fields["schema_version"] = 1 if change == {"attachments": {}} else 2
        (registry.folder / "registry.json").write_bytes(sealed(fields))
        assert registry.tasks == ("facades", "edges", "lungs")
        with pytest.raises(CorruptFileError, match="'lungs' is signed by none of"):
            strict.load(["lungs"], make_generator())


def test_the_statement_of_a_task_of_format_1_is_what_it_was() -> None:
    from hashlib import sha256

    from piggygan.registry.leaving import needed_digests
    from piggygan.registry.manifest import manifest_from_bytes
    from piggygan.registry.signatures import statement

    manifest = manifest_from_bytes((GOLDEN / "format_1" / "registry.json").read_bytes())
    needs = needed_digests(manifest, "lungs")
    said = statement(manifest.base_task, manifest.networks, needs, manifest.by_name["lungs"])
    assert sha256(said).hexdigest() == "cd9682c099f224baa7633db18b5b518b18825537319975f248c82f05871a93f0"
