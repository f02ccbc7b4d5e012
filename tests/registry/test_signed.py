"""Where signers are required, what they did not sign is not used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry import TaskRegistry, new_key

pytest.importorskip("cryptography")

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
