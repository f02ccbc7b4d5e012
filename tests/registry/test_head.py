"""Which manifest is read: the pinned one, and the one that is there now."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image
from torch import nn

from piggygan.cli import main
from piggygan.errors import ConfigurationError, CorruptFileError, RegistryError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry, head
from piggygan.registry.head import TRIES

MakeGenerator = Callable[[], nn.Sequential]


def test_17_07_a_pinned_registry_is_read_and_another_is_refused_by_all_that_reads(
    registry: TaskRegistry, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    data = (registry.folder / "registry.json").read_bytes()
    pin = registry.digest
    assert pin == f"sha256:{sha256(data).hexdigest()}"
    pinned = TaskRegistry(registry.folder, expect=pin)
    assert pinned.load(generator=make_generator()).tasks == registry.tasks
    registry.remove_task("lungs")
    for use in (
        lambda: pinned.tasks,
        lambda: pinned.load(generator=make_generator()),
        lambda: pinned.verify(make_generator()),
        lambda: pinned.export_task("edges", tmp_path / "edges.safetensors"),
        lambda: pinned.remove_task("edges"),
        pinned.gc,
    ):
        with pytest.raises(CorruptFileError, match=f"expected was {pin}"):
            use()
    assert TaskRegistry(registry.folder, expect=registry.digest).tasks == ("facades", "edges")


def test_what_is_written_through_a_pinned_registry_moves_the_pin(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Callable[[MultiTaskGenerator, str], None]
) -> None:
    pinned = TaskRegistry(registry.folder, expect=registry.digest)
    model.add_task("hands")
    learn(model, "hands")
    pinned.commit(model, "hands")
    assert pinned.tasks[-1] == "hands"
    pinned.remove_task("hands")
    assert pinned.digest == TaskRegistry(registry.folder).digest


@pytest.mark.parametrize("pin", ["", "0" * 64, "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha512:" + "0" * 64])
def test_what_is_no_digest_is_refused(tmp_path: Path, pin: str) -> None:
    with pytest.raises(ConfigurationError, match="needed is sha256: and 64"):
        TaskRegistry(tmp_path, expect=pin)


def test_every_command_on_a_registry_takes_expect(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other, folder = f"sha256:{'0' * 64}", str(registry.folder)
    film = tmp_path / "film.png"
    Image.new("RGB", (16, 16)).save(film)
    for command in (
        ["tasks", folder],
        ["verify", folder],
        ["export", folder, "edges", str(tmp_path / "edges.safetensors")],
        ["remove", folder, "lungs"],
        ["gc", folder],
        ["export-pix2pix", folder, str(tmp_path / "x.pth"), "--task", "edges"],
        ["predict", folder, str(film), "--task", "edges", "--out", str(tmp_path / "out")],
    ):
        assert main([*command, "--expect", other]) in (1, 2), command
        printed = capsys.readouterr()
        assert "expected was sha256:0000" in printed.out + printed.err, command
    assert main(["tasks", folder, "--expect", registry.digest, "--json"]) == 0
    assert registry.digest in capsys.readouterr().out


def test_17_11_verify_reads_again_if_a_task_went_and_came_back_meanwhile(
    registry: TaskRegistry, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same bytes are written as the manifest again: only that it was written tells of the moment between."""
    lungs = registry.describe("lungs").networks["generator"].weights
    path = registry.folder / "objects" / f"{lungs.digest}.safetensors"
    real, hidden = Path.lstat, tmp_path / "hidden"
    manifest = (registry.folder / "registry.json").read_bytes()
    path.rename(hidden)  # it was removed and collected when verify came to it
    calls = []

    def lstat(self: Path) -> object:
        if self.name == "registry.json":
            calls.append(self)
            if len(calls) == 2:  # verify has found it missing; others commit it again
                hidden.rename(path)
                (registry.folder / "other").write_bytes(manifest)
                (registry.folder / "other").rename(registry.folder / "registry.json")
        return real(self)

    monkeypatch.setattr(Path, "lstat", lstat)
    found = registry.verify(make_generator())
    assert found.is_sound
    assert len(found) == 3
    assert 2 <= len(calls) <= 2 * TRIES


COMING_AND_GOING = """
import sys, torch
from piggygan.registry import TaskRegistry
torch.set_num_threads(1)
registry = TaskRegistry(sys.argv[1])
model = registry.load(["facades"])
model.add_task("hands", init="normal")
model.freeze_task("hands")
while True:
    registry.commit(model, "hands")
    registry.remove_task("hands")
    registry.gc()
"""


@pytest.mark.slow
def test_17_11_a_thousand_verifications_call_nothing_damaged_while_a_task_comes_and_goes(tmp_path: Path) -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    seen = set()
    with subprocess.Popen([sys.executable, "-c", COMING_AND_GOING, str(tmp_path)]) as others:
        try:
            for number in range(1000):
                found = registry.verify() if number % 2 else registry.verify_files()
                assert found.is_sound, [str(check) for check in found]
                seen.add(len(found))
                registry.load()
        finally:
            others.kill()
    assert seen == {1, 2}


def test_true_damage_is_reported_while_nothing_changes(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    shutil.rmtree(registry.folder / "objects")
    for found in (registry.verify(make_generator()), registry.verify_files()):
        assert [check.state for check in found] == ["damaged"] * 3
    assert "piggygan repair REGISTRY --from COPY" in registry.verify_files()[0].reason


def test_where_memory_runs_out_it_is_said_and_is_no_damage(
    registry: TaskRegistry, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def short(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes. Error code 12")

    monkeypatch.setattr(nn.Conv2d, "forward", short)
    monkeypatch.setattr("piggygan.files.tensors._Entry.read", short)
    for use in (
        lambda: registry.load(generator=make_generator()),
        lambda: registry.verify(make_generator()),
        registry.verify_files,
        lambda: registry.export_task("edges", tmp_path / "edges.safetensors"),
    ):
        with pytest.raises(RegistryError, match="there is not enough memory to"):
            use()


def test_the_collector_of_cycles_rests_while_a_manifest_is_read(
    registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, paused = head.places_from_bytes, []

    def noted(data: bytes) -> object:
        paused.append(not gc.isenabled())
        return real(data)

    monkeypatch.setattr(head, "places_from_bytes", noted)
    assert registry.tasks == ("facades", "edges", "lungs")
    assert paused == [True]
    assert gc.isenabled()
