"""`piggygan sweep`: what its words come to, what it prints, and its exit codes; what it does jobs/sweeping holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from piggygan.cli import main
from piggygan.cli import sweep as sweep_module
from piggygan.jobs.sweeping.ranking import Ranked, SweptTask

FOUND = Ranked({"epochs": 3}, 0.9, 0.01, {0: 0.89, 1: 0.91}, (), {}, 250_000, 12.0, {0: "a", 1: "b"})
FAILED = Ranked({"epochs": 4}, None, None, {}, (), {0: "no room"}, None, None, {0: "c"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Note what is asked for, and say what came of it."""
    monkeypatch.chdir(tmp_path)
    given: list[Any] = [SweptTask("lungs", "masks", "dice", (FOUND,), "piggygan train exp --task lungs --epochs 3")]

    def sweep_task(*arguments: Any, **named: Any) -> SweptTask:
        named.pop("tell")("[1/2] epochs=3, seed 0: val: dice 0.89")
        given.append((arguments, named))
        return given[0]

    monkeypatch.setattr(sweep_module, "sweep_task", sweep_task)
    return given


LINE = ("sweep", "exp", "--task", "lungs", "--data", "films")


def test_words_become_settings_and_what_all_trainings_share(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("shared.toml").write_text("training.epochs = 7\ntraining.gan = 'least_squares'\n", encoding="utf-8")
    words = ("--set", "init=warm,fresh", "--set", "epochs=3,4", "--seeds", "2", "--epochs", "5", "--seed", "8")
    assert main([*LINE, *words, "--config", "shared.toml", "--hours", "2"]) == 0
    (folder, task, config), named = asked[1]
    assert (folder, task, config.data.data) == (Path("exp"), "lungs", Path("films"))
    assert (config.training.epochs, config.training.gan, config.training.seed) == (5, "least_squares", 8)
    assert named == {"vary": ("init=warm,fresh", "epochs=3,4"), "seeds": 2, "engine": "here", "hours": 2.0}
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "[1/2] epochs=3, seed 0: val: dice 0.89"
    assert printed[2].split() == ["epochs=3", "0.9", "0.01", "2", "0.25", "12"]
    assert printed[-1] == "piggygan train exp --task lungs --epochs 3"


def test_a_training_that_failed_is_named_and_makes_the_exit_code_1(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    asked[0] = SweptTask("lungs", "masks", "dice", (FOUND, FAILED), "piggygan train exp")
    assert main([*LINE]) == 1
    assert "failed: epochs=4, seed 0: no room" in capsys.readouterr().out
    assert main([*LINE, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["ranked"][1]["failed"] == {"0": "no room"}
    assert printed.err == "[1/2] epochs=3, seed 0: val: dice 0.89\n"
