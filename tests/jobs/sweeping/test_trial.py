"""A trial learns on a copy of the registry, and writes down what went wrong with it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import TrainingInterruptedError
from piggygan.jobs.sweeping import trial as trial_module
from piggygan.jobs.sweeping.trial import Trial, copy_registry, learn_trial
from piggygan.registry import TaskRegistry


def test_a_copy_shares_the_objects_and_verifies(clinic: TaskRegistry, tmp_path: Path) -> None:
    (clinic.folder / "leases").mkdir(exist_ok=True)
    copy_registry(clinic.folder, tmp_path / "copy")
    assert TaskRegistry(tmp_path / "copy").verify().is_sound
    assert sorted(path.name for path in (tmp_path / "copy").iterdir() if path.name[0] != ".") == [
        "objects",
        "registry.json",
    ]
    for path in (clinic.folder / "objects").iterdir():
        assert path.samefile(tmp_path / "copy/objects" / path.name)
    assert not (clinic.folder / "registry.json").samefile(tmp_path / "copy/registry.json")
    before = (tmp_path / "copy/registry.json").stat().st_mtime_ns
    copy_registry(clinic.folder, tmp_path / "copy")
    assert (tmp_path / "copy/registry.json").stat().st_mtime_ns == before


def test_where_the_disk_has_no_links_objects_are_copied(
    clinic: TaskRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    copy_registry(clinic.folder, tmp_path / "copy")
    assert TaskRegistry(tmp_path / "copy").verify().is_sound


def test_half_a_copy_is_made_anew(clinic: TaskRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(trial_module, "_link", end)
        with pytest.raises(KeyboardInterrupt):
            copy_registry(clinic.folder, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    copy_registry(clinic.folder, tmp_path / "copy")
    assert TaskRegistry(tmp_path / "copy").verify().is_sound


def test_no_registry_yet_is_no_copy(tmp_path: Path) -> None:
    copy_registry(tmp_path / "none", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def trial_in(sweep: Path, config: Any, origin: str = "one") -> Trial:
    sweep.mkdir(exist_ok=True)
    trial = Trial.of(sweep, "lungs", {"net": "my:net/../x"}, config, origin)
    trial.write_options(config)
    return trial


def test_a_folder_is_named_by_all_that_decides(tmp_path: Path, small: Any) -> None:
    names = {
        trial_in(tmp_path, small(Path("films"), **options), origin).folder.name
        for options in ({}, {"seed": 1}, {"epochs": 9})
        for origin in ("one", "other")
    }
    assert len(names) == 6
    assert all("/" not in name and name.startswith("net=my_net_.._x.seed-") for name in names)


def test_what_goes_wrong_is_written_down_and_forgotten_when_it_goes_well(tmp_path: Path, small: Any) -> None:
    trial = trial_in(tmp_path / "sweep", small(Path("/nowhere")))
    learn_trial("lungs", str(trial.folder), str(tmp_path / "none"))
    failure = trial.failure
    assert failure is not None
    assert (failure.error, "/nowhere" in failure.reason, trial.result) == ("DatasetError", True, None)


def test_a_signal_is_no_failure(tmp_path: Path, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise TrainingInterruptedError("SIGTERM", signal_number=15)

    monkeypatch.setattr(trial_module, "train_task", interrupted)
    trial = trial_in(tmp_path / "sweep", small(Path("films")))
    with pytest.raises(TrainingInterruptedError):
        learn_trial("lungs", str(trial.folder), str(tmp_path / "none"))
    assert trial.failure is None
    shutil.rmtree(trial.folder)
