"""`piggygan train`: what it prints, its exit codes, what wins over what, and how it ends when it is asked to."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from piggygan.cli import main
from piggygan.data.synthetic.facades import write_facades
from piggygan.jobs.config_file import read_config
from piggygan.jobs.training.looking import Looks
from piggygan.registry import TaskRegistry

SMALL = ("--size", "32", "--width", "2", "--batch-size", "2", "--commit-anyway", "--epochs", "2")
look = Looks.__call__


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    for seed, side in enumerate(("train", "val", "test")):
        write_facades(folder / "facades" / side, 2, 32, seed=seed)
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def train(*words: str) -> int:
    return main(["train", "exp", "--task", "facades", *words])


def test_one_line_makes_a_proven_task_and_the_same_line_again_says_the_same(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--data", "facades", *SMALL) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("facades: the first task of ")
    assert "verified facades: equal" in printed
    assert any(
        line.startswith("NOT LEARNED: one and the same answer") for line in printed
    )  # in three epochs nobody does
    assert printed[-1] == "facades: committed to exp/registry; page: exp/tasks/facades/index.html"
    assert TaskRegistry("exp/registry").verify().is_sound
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert train("--data", "facades", *SMALL) == 0
    assert capsys.readouterr().out.splitlines() == printed[-6:]
    assert train("--json") == 0
    assert json.loads(capsys.readouterr().out)["task"] == "facades"
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
    for command in ("tasks", "verify"):  # which take the run's folder too
        assert main([command, "exp"]) == 0
    assert train("--epochs", "3") == 2
    assert "frozen for ever" in capsys.readouterr().err


@pytest.fixture
def learned(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run in which facades are committed."""
    assert train("--data", "facades", *SMALL) == 0
    capsys.readouterr()
    return here


@pytest.mark.usefixtures("learned")
def test_other_methods_learn_the_same_task_beside_it_and_the_pages_show_it(capsys: pytest.CaptureFixture[str]) -> None:
    second = ("train", "exp", "--task", "again", "--data", "facades", "--batch-size", "2", "--commit-anyway",
              "--epochs", "1")  # fmt: skip
    assert main([*second, "--compare", "fine-tuning,separate,separate"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if "once more" in line] == [
        "again once more, by fine-tuning",
        "again once more, by separate",
    ]
    assert any(line.startswith("facades (test) in the registry") and "the same bytes" in line for line in printed)
    assert any(line.startswith("facades (test) after fine-tuning: l1") for line in printed)
    assert any(line.startswith("separate: test: l1") for line in printed)
    assert printed[-2:] == [
        "report: exp/report.html",
        "again: committed to exp/registry; page: exp/tasks/again/index.html",
    ]
    for page in ("exp/report.html", "exp/tasks/again/index.html"):
        assert "after fine-tuning" in Path(page).read_text()
    assert main([*second, "--compare", "separate", "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert [one["method"] for one in found["compare"]] == ["separate"]
    assert "once more" not in said.err  # it was there


@pytest.mark.usefixtures("learned")
def test_a_task_that_is_committed_can_be_compared_later(capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in Path("exp/registry").rglob("*") if path.is_file()}
    assert train("--compare", "separate") == 0
    assert "separate: test: l1" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in Path("exp/registry").rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("here")
def test_what_cannot_be_compared_is_refused_before_anything_is_learned(capsys: pytest.CaptureFixture[str]) -> None:
    for methods, why in {
        "finetuning": "did you mean 'fine-tuning'?",
        "separate,fine-tuning": "'facades' is the first task: there is no earlier network to fine-tune.",
    }.items():
        assert train("--data", "facades", *SMALL, "--compare", methods) == 2
        assert why in capsys.readouterr().err
        assert not Path("exp").exists()
    assert train("--data", "facades", *SMALL, "--compare", "separate", "--plan") == 0
    assert "then once more by separate, for as many epochs" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_a_plan_says_what_it_would_cost_and_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--data", "facades", *SMALL, "--plan") == 0
    printed = capsys.readouterr().out
    assert "100.0% of a network" in printed
    assert "a step takes about" in printed
    assert not Path("exp").exists()
    assert train("--data", "facades", *SMALL, "--plan", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["plan"]) == len(printed.splitlines())


@pytest.mark.usefixtures("here")
def test_the_line_wins_over_the_file_and_the_file_over_the_defaults() -> None:
    Path("doors.toml").write_text(
        '[data]\ndata = "facades"\n[network]\nsize = 32\nwidth = 2\n'
        "[training]\nepochs = 2\nseed = 4\nlearning_rate = 1e-3\nkeep_checkpoints = true\ncommit_anyway = true\n",
        encoding="utf-8",
    )
    assert train("--config", "doors.toml", "--epochs", "1", "--seed", "5") == 0
    chosen = read_config(Path("exp/tasks/facades/config.toml"))
    assert (chosen.training.epochs, chosen.training.seed, chosen.training.learning_rate) == (1, 5, 1e-3)
    assert Path("exp/tasks/facades/checkpoints").is_dir()


def test_the_help_fits_a_screen_and_names_every_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    brief, whole = help_of("--help", capsys), help_of("--help-all", capsys)
    assert len(brief) <= 40
    options = set(re.findall(r"--[a-z][a-z-]*", " ".join(whole)))
    assert len(options) > 40
    assert {option for option in options if option not in " ".join(brief)} == {
        "--json",
        "--no-commit-anyway",
        "--no-keep-checkpoints",
    }


def help_of(word: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as end:
        main(["train", word])
    assert end.value.code == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_trains_ends_it_saved_with_its_own_code(
    number: signal.Signals, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(looks: Looks, record: object) -> float | None:
        signal.raise_signal(number)
        return look(looks, record)  # type: ignore[arg-type]

    handlers = [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)]
    with monkeypatch.context() as patched:
        patched.setattr(Looks, "__call__", asked)
        assert train("--data", "facades", *SMALL) == 128 + number
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "all is saved after 1 epochs" in line]
    assert not TaskRegistry("exp/registry").tasks
    assert [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)] == handlers
    assert train() == 0
    stopped = json.loads(Path("exp/tasks/facades/result.json").read_text())
    assert main(["train", "straight", "--task", "facades", "--data", "facades", *SMALL]) == 0
    assert stopped["digests"] == json.loads(Path("straight/tasks/facades/result.json").read_text())["digests"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "moment", ["piggygan.jobs.training.preparing.open_task_data", "piggygan.jobs.training.run._closed"]
)
def test_a_signal_while_no_training_hears_it_is_one_line(
    moment: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(moment, asked)
        assert train("--data", "facades", *SMALL) == 143
    assert capsys.readouterr().err.splitlines()[-1] == (
        "piggygan: SIGTERM asked for the end: start the same again to go on."
    )
    assert train("--data", "facades", *SMALL) == 0


def test_warnings_of_the_training_are_printed_as_lines(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piggygan.training.checkpoints.saving.Saving._has_time", lambda _: True)
    ended: Callable[..., float | None] = look

    def ending(looks: Looks, record: object) -> float | None:
        if record.epoch == 3:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGTERM)
        return ended(looks, record)

    small = ("--data", "facades", *SMALL[:-1])
    with monkeypatch.context() as patched:
        patched.setattr(Looks, "__call__", ending)
        assert train(*small, "4") == 143
    assert train(*small, "8") == 0
    assert "had other learning rates than a training of 8 epochs" in capsys.readouterr().err
    assert "other learning rates" in (here / "exp/tasks/facades/warnings.jsonl").read_text()


@pytest.mark.usefixtures("here")
def test_what_is_not_learned_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    strict = [word for word in SMALL if word != "--commit-anyway"]
    assert train("--data", "facades", *strict) == 3
    said = capsys.readouterr()
    assert [line for line in said.err.splitlines() if line.startswith("piggygan: ")][-1].startswith(
        "piggygan: 'facades' is not learned: after 2 epochs it scores l1"
    )
    assert not TaskRegistry("exp/registry").tasks
    assert train("--commit-anyway") == 0
    assert any(
        "committed nevertheless" in note
        for note in json.loads(Path("exp/tasks/facades/result.json").read_text())["notes"]
    )
    assert train() == 0
