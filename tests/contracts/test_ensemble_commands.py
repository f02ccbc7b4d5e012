"""Every command that takes a task, given an ensemble: it does the right thing, or refuses with words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import piggygan as pg
from piggygan.cli import main
from piggygan.registry import Member, TaskRegistry

MEMBERS = ("lungs-1", "lungs-2", "lungs-3")
Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Facades, three members on them, and a newer version of facades."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=2), "facades")
    folder = tmp_path_factory.mktemp("registry") / "clinic"
    registry = TaskRegistry(folder)
    model.freeze_task("facades")
    registry.commit(model, "facades", image_size=16)
    for number, task in enumerate((*MEMBERS, "facades@2"), start=1):
        member = Member("lungs", number, 3) if number < 4 else None
        model.add_task(task, out_channels=1 if member else None, draws_on=["facades"])
        model.freeze_task(task)
        registry.commit(model, task, image_size=16, member=member)
    return folder


@pytest.fixture
def clinic(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskRegistry:
    monkeypatch.chdir(tmp_path)
    return TaskRegistry(shutil.copytree(kept, "clinic"))


def run(printed: Printed, line: str, code: int = 0) -> str:
    assert main(line.split()) == code
    found = printed.readouterr()
    return found.out if code == 0 else found.err


def test_tasks_names_the_members_and_the_line_of_descent(clinic: TaskRegistry, capsys: Printed) -> None:
    lines = run(capsys, "tasks clinic").splitlines()
    assert lines[-2:] == ["lungs: an ensemble of lungs-1, lungs-2, lungs-3", "facades: facades -> facades@2"]
    fields = json.loads(run(capsys, "tasks clinic --json"))
    assert fields["ensembles"] == {"lungs": list(MEMBERS)}
    assert fields["versions"] == {"facades": ["facades", "facades@2"]}
    clinic.remove_task("lungs-2")
    assert "lungs: an ensemble of lungs-1, lungs-3; 1 of 3 are lacking" in run(capsys, "tasks clinic")


def test_verify_and_report_look_at_every_member(clinic: TaskRegistry, capsys: Printed) -> None:
    assert run(capsys, "verify clinic").count(": equal") == len(clinic.tasks)
    run(capsys, "report clinic")
    page = Path("clinic-work/report.html").read_text(encoding="utf-8")
    assert "lungs is an ensemble of lungs-1, lungs-2, lungs-3" in page


def test_a_card_is_of_all_members(clinic: TaskRegistry, capsys: Printed) -> None:
    card = run(capsys, "card clinic --task lungs")
    assert all(f"## {member}" in card for member in MEMBERS)
    assert "## facades" not in card
    assert "lungs is an ensemble of `lungs-1`, `lungs-2`, `lungs-3`: `piggygan predict --task lungs`" in card
    clinic.remove_task("lungs-2")
    assert "1 of 3 are lacking, so that it cannot be used" in run(capsys, "card clinic --task lungs")


def test_an_ensemble_is_removed_at_once_and_one_member_with_a_word(clinic: TaskRegistry, capsys: Printed) -> None:
    assert "the ensemble 'lungs' lacks it now" in run(capsys, "remove clinic lungs-2")
    assert "lungs (lungs-1, lungs-3): removed" in run(capsys, "remove clinic lungs")
    assert clinic.tasks == ("facades", "facades@2")
    assert "there is no task 'lungs'" in run(capsys, "remove clinic lungs", 2)


def test_members_that_others_draw_on_stay_all_of_them(clinic: TaskRegistry, capsys: Printed) -> None:
    model = clinic.load(["lungs-2"])
    model.add_task("hearts", draws_on=["facades", "lungs-2"])
    model.freeze_task("hearts")
    clinic.commit(model, "hearts")
    assert "hearts draw on 'lungs-2'" in run(capsys, "remove clinic lungs", 2)
    assert set(MEMBERS) <= set(clinic.tasks)


def test_an_ensemble_is_pushed_and_pulled_whole(clinic: TaskRegistry, capsys: Printed, tmp_path: Path) -> None:
    run(capsys, f"push clinic file://{tmp_path}/share --task lungs")
    run(capsys, f"pull file://{tmp_path}/share mine --task lungs")
    mine = TaskRegistry("mine")
    assert mine.describe("lungs-3") == clinic.describe("lungs-3")
    assert mine.tasks == ("facades", *MEMBERS)
    assert mine.members("lungs") == MEMBERS
    assert "there is no task 'lung'" in run(capsys, f"push clinic file://{tmp_path}/share --task lung", 2)


def test_an_ensemble_is_signed_member_by_member(clinic: TaskRegistry, capsys: Printed) -> None:
    pytest.importorskip("cryptography")
    key = run(capsys, "new-key key.pem").strip()
    lines = run(capsys, "sign clinic lungs --key key.pem").splitlines()
    assert lines == [f"{member}: signed by {key}" for member in MEMBERS]
    clinic.sign_task("facades", "key.pem")
    assert TaskRegistry("clinic", signers=[key]).load(MEMBERS).tasks == ("facades", *MEMBERS)


@pytest.mark.parametrize(
    "line",
    [
        "export clinic lungs lungs.safetensors",
        "export-pix2pix clinic lungs.pth --task lungs",
        "train clinic --task lungs --data clinic",
    ],
)
def test_what_takes_one_task_says_that_it_is_an_ensemble(clinic: TaskRegistry, capsys: Printed, line: str) -> None:
    before = clinic.digest
    assert "'lungs' is an ensemble" in run(capsys, line, 2)
    assert clinic.digest == before
    assert not Path("lungs.safetensors").exists()
    assert not Path("lungs.pth").exists()
