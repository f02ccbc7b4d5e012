"""Who vouches for a task, and what happens where that is required."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from piggygan.cli import main
from piggygan.errors import ConfigurationError, CorruptFileError, RegistryError, TaskNotFoundError
from piggygan.model.wrapping import Wrapping
from piggygan.registry import TaskRegistry, new_key
from piggygan.registry.described import Architecture, Network
from piggygan.registry.signatures import statement
from tests.registry.contents import sealed

pytest.importorskip("cryptography")

WRAPPING = Wrapping("model", "0")
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


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("scores",), {"dice": 0.99}),
        (("created",), "2030-01-01T00:00:00+00:00"),
        (("image_size",), 512),
        (("networks", "generator", "settings", "output_layer_unconstrained"), False),
        (("networks", "generator", "certificate", "outputs_digest"), "0" * 64),
        (("versions", "torch"), "9"),
    ],
)
def test_nothing_of_what_is_said_of_a_signed_task_can_be_changed(
    registry: TaskRegistry, key: Path, public: str, make_generator: MakeGenerator, place: tuple[str, ...], value: object
) -> None:
    sign_all(registry, key)
    path = registry.folder / "registry.json"
    manifest = json.loads(path.read_bytes())
    inner = manifest["tasks"][1]
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    path.write_bytes(sealed(manifest))
    with pytest.raises(CorruptFileError, match="'edges' is signed by none"):
        TaskRegistry(registry.folder, signers=[public]).load(["edges"], make_generator())


def test_the_weights_of_every_task_that_is_needed_are_part_of_what_is_signed(registry: TaskRegistry) -> None:
    """Else a task of one registry could be put beside the base task of another that the same person signed."""
    record, networks = (
        registry.describe("edges"),
        {"generator": Network(Architecture("UNetGenerator", {}, ()), WRAPPING)},
    )
    said = {statement("facades", networks, {"generator": {"facades": digit * 64}}, record) for digit in ("0", "1")}
    assert len(said) == 2


def test_a_key_is_its_owners_and_never_in_a_registry(registry: TaskRegistry, key: Path, public: str) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(RegistryError, match="File exists"):
        new_key(key)
    with pytest.raises(RegistryError, match="inside of a registry"):
        new_key(registry.folder / "objects" / "key.pem")
    sign_all(registry, key)
    private = key.read_text().splitlines()[1]
    assert all(private.encode() not in path.read_bytes() for path in registry.folder.rglob("*") if path.is_file())
    assert public


@pytest.mark.parametrize("content", [b"", b"no key", None])
def test_what_is_no_key_is_refused(registry: TaskRegistry, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RegistryError, match="key"):
        registry.sign_task("facades", file)
    with pytest.raises(TaskNotFoundError):
        registry.sign_task("nothing", file)


def test_without_the_package_signatures_are_refused_with_the_extra_named_and_all_else_works(
    registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_generator: MakeGenerator
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for use in (
        lambda: new_key(tmp_path / "key.pem"),
        lambda: registry.sign_task("facades", tmp_path / "key.pem"),
        lambda: TaskRegistry(registry.folder, signers=["ed25519:" + "0" * 64]),
    ):
        with pytest.raises(ConfigurationError, match=r"pip install 'piggygan\[signing\]'"):
            use()
    assert registry.verify(make_generator()).is_sound
    assert not (tmp_path / "key.pem").exists()


@pytest.mark.parametrize("signers", [[], ["ed25519:00"], [""], ["rsa:" + "0" * 64], [3]])
def test_what_is_no_public_key_is_refused(tmp_path: Path, signers: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="needed are public keys"):
        TaskRegistry(tmp_path, signers=signers)


def test_the_commands_make_a_key_sign_and_require(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key, folder = str(tmp_path / "signing.pem"), str(registry.folder)
    assert main(["new-key", key]) == 0
    public = capsys.readouterr().out.split()[0]
    assert main(["verify", folder, "--signer", public]) == 1
    for task in registry.tasks:
        assert main(["sign", folder, task, "--key", key]) == 0
    assert public in capsys.readouterr().out
    assert main(["verify", folder, "--signer", public]) == 0
    assert main(["verify", folder, "--signer", "ed25519:" + "1" * 64]) == 1
    assert main(["export", folder, "edges", str(tmp_path / "e.safetensors"), "--signer", "ed25519:" + "1" * 64]) == 2
    assert not (tmp_path / "e.safetensors").exists()
