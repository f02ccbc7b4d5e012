"""Subcommands on a registry: what they print, their exit codes, and that a refusal changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from piggygan.cli import main
from piggygan.cli.commands import UNREAD
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry, TrainingData


@pytest.fixture
def registry(tmp_path: Path) -> TaskRegistry:
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path / "clinic")
    registry.commit(model, "facades", scores={"l1": 0.25})
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    registry.commit(model, "lungs", scores={"dice": 0.95, "iou": 0.9}, image_size=16)
    return registry


def weights(registry: TaskRegistry, task: str) -> Path:
    digest = registry.describe(task).networks["generator"].weights.digest
    return registry.folder / "objects" / f"{digest}.safetensors"


def test_tasks_prints_a_row_a_task_and_reads_the_manifest_alone(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (registry.folder / "objects").iterdir():
        path.unlink()
    assert main(["tasks", str(registry.folder)]) == 0
    header, facades, lungs = capsys.readouterr().out.splitlines()
    assert header.split()[:5] == ["task", "draws", "on", "pixels", "MB"]
    assert facades.split()[:2] == ["facades", "-"]
    assert lungs.split()[:3] == ["lungs", "facades", "16"]
    assert "dice 0.95, iou 0.9" in lungs
    assert f"torch {torch.__version__}" in lungs
    assert main(["tasks", str(registry.folder), "--json"]) == 0
    (_, task) = json.loads(capsys.readouterr().out)["tasks"]
    assert (task["draws_on"], task["image_size"]) == (["facades"], 16)
    assert task["scores"] == {"dice": 0.95, "iou": 0.9}
    assert task["certificate"]["recipe"]["device"] == "cpu"


def test_h08_a_score_with_a_hostile_name_moves_no_cursor(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    model = registry.load()
    model.add_task("hands")
    model.freeze_task("hands")
    registry.commit(model, "hands", scores={"\x1b[2J\nfake": 1.0})
    assert main(["tasks", str(registry.folder)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 4


def test_c18_verify_says_a_line_a_task_and_by_its_exit_code_whether_all_are_sound(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(registry.folder)]) == 0
    assert capsys.readouterr().out == "facades: equal\nlungs: equal\n"
    (registry.folder / "copied").mkdir()
    path = weights(registry, "lungs")
    path.write_bytes(b"damaged")
    assert main(["verify", str(registry.folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "facades: equal"
    assert lines[1].startswith(f"lungs: damaged: task 'lungs' cannot be loaded: objects/{path.name} has 7 bytes")
    assert lines[2].startswith("note: copied:")
    assert len(lines) == 3
    assert main(["verify", str(registry.folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is False
    assert [task["state"] for task in found["tasks"]] == ["equal", "damaged"]
    assert len(found["notes"]) == 1


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema_version": 1}'])
def test_c08_c18_a_damaged_manifest_is_one_line_and_code_1(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    (registry.folder / "registry.json").write_bytes(data)
    assert main(["verify", str(registry.folder)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("registry: damaged: registry.json is damaged")
    assert printed.out.count("\n") == 1
    assert main(["verify", str(registry.folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["sound"] is False


def test_a_base_task_that_is_not_the_manifests_generator_is_damage(
    registry: TaskRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forged manifest, whose generator is another than its base task's."""
    other = TaskRegistry(tmp_path / "other")
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=8), "facades")
    model.freeze_task("facades")
    other.commit(model, "facades")
    from piggygan.registry.manifest import manifest_from_bytes, manifest_to_bytes

    manifest = manifest_from_bytes((registry.folder / "registry.json").read_bytes())
    theirs = manifest_from_bytes((other.folder / "registry.json").read_bytes())
    manifest.networks["generator"] = theirs.networks["generator"]
    (registry.folder / "registry.json").write_bytes(manifest_to_bytes(manifest))
    assert main(["verify", str(registry.folder)]) == 1
    assert "do not belong together" in capsys.readouterr().out.splitlines()[0]


def test_of_a_users_own_generator_files_are_verified_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 1)), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path / "own")
    registry.commit(model, "facades")
    assert main(["verify", str(registry.folder)]) == 0
    assert capsys.readouterr().out == "facades: files equal, outputs not computed\n"
    for stored in registry.describe("facades").networks["generator"].objects:
        path = registry.folder / "objects" / f"{stored.digest}.safetensors"
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        assert main(["verify", str(registry.folder)]) == 1
        assert stored.digest in capsys.readouterr().out
        path.write_bytes(data)


def test_a_task_goes_out_and_into_another_registry(
    registry: TaskRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for task in registry.tasks:
        path, other = str(tmp_path / f"{task}.safetensors"), str(tmp_path / "other")
        assert main(["export", str(registry.folder), task, path]) == 0
        assert capsys.readouterr().out.startswith(f"{task}: {path}, ")
        assert main(["import", other, path, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"task": task, "registry": other}
    assert [str(check) for check in TaskRegistry(other).verify()] == ["facades: equal", "lungs: equal"]


def test_a_task_is_removed_and_gc_frees_its_space(registry: TaskRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    path = weights(registry, "lungs")
    assert main(["remove", str(registry.folder), "lungs"]) == 0
    assert capsys.readouterr().out == f"lungs: removed from {registry.folder}\n"
    assert path.exists()
    assert main(["gc", str(registry.folder), "--json"]) == 0
    collected = json.loads(capsys.readouterr().out)
    assert f"objects/{path.name}" in collected["removed"]
    assert collected["bytes"] > 0
    assert not path.exists()
    assert main(["gc", str(registry.folder)]) == 0
    assert capsys.readouterr().out == "0 files, 0.0 MB\n"


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tasks", "nowhere"], "there is no registry in nowhere"),
        (["verify", "nowhere"], "there is no registry in"),
        (["gc", "nowhere"], "there is no registry in"),
        (["remove", "nowhere", "lungs"], "there is no registry in"),
        (["remove", "clinic", "facades"], "lungs draw on 'facades'"),
        (["remove", "clinic", "lung"], "did you mean 'lungs'"),
        (["export", "clinic", "lung", "x.safetensors"], "did you mean 'lungs'"),
        (["export", "clinic", "lungs", "x.pt"], "ends in .safetensors"),
        (["export", "clinic", "lungs", "no/x.safetensors"], "was not written"),
        (["import", "clinic", "none.safetensors"], "there is no file none.safetensors"),
        (["import", "clinic", "x.pth"], "import-pix2pix"),
    ],
)
@pytest.mark.usefixtures("registry")
def test_a_refusal_is_one_line_and_code_2_and_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    as_json: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main([*arguments, *as_json]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("piggygan: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == {path: data for path, data in before.items() if path.name != ".lock"}


def test_h09_a_warning_is_one_line(
    registry: TaskRegistry, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    registry.folder.chmod(0o777)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["tasks", str(registry.folder)]) == 0
    err = capsys.readouterr().err
    assert err.startswith("piggygan: warning: any user of this machine may write to ")
    assert err.count("\n") == 1
    assert not recwarn.list


UNREADABLE = """
import json, os, sys
from piggygan.cli import main
for words in json.loads(sys.argv[1]):
    reading, writing = os.pipe()
    os.close(reading)
    if not (child := os.fork()):
        os.dup2(writing, 1)
        sys.exit(main(words))
    os.close(writing)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_reader_that_has_gone_is_no_error(registry: TaskRegistry) -> None:
    """As in ``piggygan tasks REGISTRY | head -0``."""
    words = json.dumps([["tasks", str(registry.folder)], ["--help"], ["verify", "--help"]])
    done = subprocess.run([sys.executable, "-c", UNREADABLE, words], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{UNREAD}\n" * 3, "")


def test_what_was_said_of_data_and_licence_is_listed_and_goes_with_the_task(
    registry: TaskRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tasks", str(registry.folder)]) == 0
    assert "licence" not in capsys.readouterr().out
    model = registry.load()
    model.add_task("hands", draws_on=["facades"])
    model.freeze_task("hands")
    data = TrainingData("masks", "5" * 64, {"train": 96, "val": 14}, "Films of one hospital.")
    registry.commit(model, "hands", data=data, licence="CC-BY-4.0")
    assert main(["tasks", str(registry.folder)]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[-1] == "licence"
    assert "CC-BY-4.0" in "".join(rows)
    assert main(["tasks", str(registry.folder), "--json"]) == 0
    *others, said = json.loads(capsys.readouterr().out)["tasks"]
    assert (said["licence"], said["data"]["counts"]) == ("CC-BY-4.0", {"train": 96, "val": 14})
    assert [(task["licence"], task["data"], task["attachments"], task["member"]) for task in others] == [
        (None, None, [], None)
    ] * 2
    path = str(tmp_path / "hands.safetensors")
    assert main(["export", str(registry.folder), "hands", path]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "licence: CC-BY-4.0",
        "data: masks: 96 train, 14 val",
        "data statement: Films of one hospital.",
        f"SHA-256 of the data: {'5' * 64}",
    ]
    registry.remove_task("hands")
    assert main(["import", str(registry.folder), path]) == 0
    assert "licence: CC-BY-4.0" in capsys.readouterr().out
