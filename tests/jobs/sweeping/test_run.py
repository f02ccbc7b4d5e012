"""A sweep from a line to a ranking: nothing twice, the run untouched, and the best line gives the very same task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import ConfigurationError, TaskExistsError, TaskInUseError, TrainingInterruptedError
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import read_config
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.sweeping import trial as trial_module
from piggygan.jobs.sweeping.run import plan_sweep, sweep_task
from piggygan.jobs.training.run import kept_from_others, train_task

RATES = ("learning_rate=2e-4,8e-3",)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "sweeps" not in path.parts}


@pytest.fixture
def briefly(small: Any, lung_films: Path) -> TrainConfig:
    config: TrainConfig = small(lung_films, epochs=1, commit_anyway=False)
    return config


def test_a_sweep_stopped_between_and_in_a_training_goes_on_and_learns_nothing_twice(
    run_folder: Path, briefly: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, started = bytes_of(run_folder), list[str]()

    def train(folder: Path, task: str, config: TrainConfig, **named: Any) -> Any:
        started.append(folder.name)
        if len(started) == 2:
            raise TrainingInterruptedError("SIGTERM asked for the end", signal_number=15)
        return train_task(folder, task, config, **named)

    monkeypatch.setattr(trial_module, "train_task", train)
    with pytest.raises(TrainingInterruptedError):
        sweep_task(run_folder, "lungs", briefly, vary=RATES, progress=False)
    told = list[str]()
    swept = sweep_task(run_folder, "lungs", briefly, vary=RATES, progress=False, tell=told.append)
    assert len(started) == 3
    assert started[1] == started[2] != started[0]
    assert told[0].startswith("lungs: 2 trainings, 1 of them done; in ")
    assert told[1].startswith("[2/2] learning_rate=0.008, seed 0: val: dice ")
    assert sweep_task(run_folder, "lungs", briefly, vary=RATES, progress=False) == swept
    assert len(started) == 3
    # Another value adds one training; those that are there are kept.
    assert len(sweep_task(run_folder, "lungs", briefly, vary=("learning_rate=2e-4,1e-3",), progress=False).ranked) == 2
    assert len(started) == 4
    assert bytes_of(run_folder) == before
    place = run_folder / "sweeps/lungs"
    (registry,) = {path.stat().st_nlink for path in (run_folder / "registry/objects").iterdir()}
    assert registry == 4  # three trials hold the same file
    assert json.loads((place / "sweep.json").read_text())["score"] == "dice"

    # The line for the best gives the task of its trial, bit for bit.
    best = swept.ranked[0]
    result = trial_module.Trial("lungs", {}, 0, Path(best.folders[0])).result
    assert result is not None
    config = read_config(Path(f"{best.folders[0]}.toml"))
    own = TrainConfig(briefly.data, config.network, config.method, config.training)
    monkeypatch.setattr(trial_module, "train_task", train_task)
    assert train_task(run_folder, "lungs", own, progress=False).digests == result.digests
    with pytest.raises(TaskExistsError, match=r"sweep under another name.*sweep\.json"):
        sweep_task(run_folder, "lungs", briefly, vary=RATES)


@pytest.fixture
def untouched(run_folder: Path) -> Iterator[Path]:
    """A run in which nothing may be written."""
    before = bytes_of(run_folder)
    yield run_folder
    assert bytes_of(run_folder) == before
    assert not (run_folder / "sweeps").exists()


@pytest.mark.parametrize(
    ("named", "error", "said"),
    [
        ({"vary": ("learning_rate=0.1,0",)}, ConfigurationError, "learning_rate"),
        ({"vary": ("batch_sizes=1",)}, ConfigurationError, "did you mean 'batch_size'"),
        ({"seeds": 0}, ConfigurationError, "seeds"),
        ({"vary": ("net=unet_256",)}, ConfigurationError, "unet_256"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_written(
    untouched: Path, briefly: TrainConfig, named: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        sweep_task(untouched, "lungs", briefly, **named)


def test_a_plan_counts_and_times_and_writes_nothing(untouched: Path, briefly: TrainConfig) -> None:
    lines = plan_sweep(untouched, "lungs", briefly, vary=RATES, seeds=3)
    assert lines[0] == "lungs: 6 trainings (2 settings x 3 seeds), 0 of them done"
    assert [line.partition(": a training takes about ")[0] for line in lines[1:3]] == [
        "learning_rate=0.0002",
        "learning_rate=0.008",
    ]
    assert lines[3].startswith("what is left takes about ")
    assert "validation side" in lines[4]


def test_a_second_sweep_of_the_task_is_told_who_is_at_it(run_folder: Path, briefly: TrainConfig) -> None:
    place = RunFolder.at(run_folder).sweep("lungs")
    place.mkdir(parents=True)
    with kept_from_others(place, "the sweep"), pytest.raises(TaskInUseError, match="the sweep of 'lungs' is being"):
        sweep_task(run_folder, "lungs", briefly)


def test_seeds_draw_the_same_sides(run_folder: Path, briefly: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = []
    monkeypatch.setattr(trial_module, "train_task", lambda _, __, config, **___: configs.append(config))
    sweep_task(run_folder, "lungs", briefly, seeds=3, progress=False)
    assert [config.training.seed for config in configs] == [0, 1, 2]
    (splits,) = {config.data.splits for config in configs}
    assert splits is not None
    assert {*json.loads(splits.read_text())} == {"train", "val", "test"}
