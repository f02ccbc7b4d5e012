"""Repairing, signing and making keys: what the commands print, their exit codes, and what they leave alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from piggygan.cli.commands import DAMAGED, DONE
from piggygan.cli.keeping import NewKey, Repair, Sign
from piggygan.errors import ConfigurationError, RegistryError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path / "clinic")
    registry.commit(model, "facades")
    return registry.folder


def objects(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "objects").iterdir()}


def test_a_repair_names_what_it_put_back_and_is_done(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(clinic, tmp_path / "copy"))
    whole = objects(clinic)
    name = min(whole)
    (clinic / "objects" / name).write_bytes(b"damaged")
    assert Repair(clinic, copy).run() == DONE
    assert capsys.readouterr().out == f"objects/{name}: put back\n1 files put back, 0 lacking\n"
    assert objects(clinic) == whole
    assert Repair(clinic, copy, json=True).run() == DONE
    assert json.loads(capsys.readouterr().out) == {"whole": True, "restored": [], "lacking": {}}


def test_what_could_not_be_had_is_named_and_an_exit_code(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = min(objects(clinic))
    (clinic / "objects" / name).unlink()
    (tmp_path / "empty").mkdir()
    assert Repair(clinic, tmp_path / "empty").run() == DAMAGED
    printed = capsys.readouterr().out.splitlines()
    assert f"facades: lacks objects/{name}" in printed
    assert printed[-1] == "0 files put back, 1 lacking"
    assert Repair(clinic, tmp_path / "empty", json=True).run() == DAMAGED
    assert json.loads(capsys.readouterr().out)["whole"] is False


def test_a_repair_where_there_is_no_registry_makes_none(clinic: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryError):
        Repair(tmp_path / "nowhere", clinic).run()
    assert not (tmp_path / "nowhere").exists()


def test_a_key_is_made_and_signs_and_its_public_half_is_printed(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cryptography")
    key = tmp_path / "key.pem"
    assert NewKey(key).run() == DONE
    public = capsys.readouterr().out.strip()
    assert public.startswith("ed25519:")
    assert b"PRIVATE" in key.read_bytes()
    assert Sign(clinic, "facades", key).run() == DONE
    assert capsys.readouterr().out == f"facades: signed by {public}\n"
    assert Sign(clinic, "facades", key, json=True).run() == DONE
    assert json.loads(capsys.readouterr().out) == {"task": "facades", "signer": public}
    assert TaskRegistry(clinic, signers=[public]).load(["facades"]).tasks == ("facades",)


def test_a_refusal_leaves_key_and_registry_as_they_are(clinic: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    key = tmp_path / "key.pem"
    NewKey(key).run()
    before, files = key.read_bytes(), {path: path.read_bytes() for path in clinic.rglob("*") if path.is_file()}
    with pytest.raises((RegistryError, ConfigurationError)):
        NewKey(key).run()  # it is there
    with pytest.raises((RegistryError, ConfigurationError)):
        NewKey(clinic / "key.pem").run()  # copies of a registry go to others
    with pytest.raises(TaskNotFoundError):
        Sign(clinic, "facade", key).run()
    assert key.read_bytes() == before
    assert {path: path.read_bytes() for path in clinic.rglob("*") if path.is_file()} == files
