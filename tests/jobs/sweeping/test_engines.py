"""Engines learn the trials they are given; one that is not there is named with its extra."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.sweeping import engines
from piggygan.jobs.sweeping.trial import Trial
from tests.prediction.fake_ray import FakeRay


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_is_named_with_its_extra(
    engine: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    said = rf"^--engine {engine} needs {package}: pip install 'piggygan\[{engine}\]'\.$"
    with pytest.raises(ConfigurationError, match=said):
        engines.check_engine(engine)


def test_slurm_is_asked_for_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setattr(engines.shutil, "which", lambda _: None)
    with pytest.raises(ConfigurationError, match="sbatch, which is not here: start it where jobs are submitted"):
        engines.check_engine("slurm")


def trials_in(folder: Path, count: int) -> list[Trial]:
    return [Trial("lungs", {"seed": number}, number, folder / str(number)) for number in range(count)]


def test_a_trial_that_ray_lost_is_written_down_and_the_others_are_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, learned, done = trials_in(tmp_path, 3), list[str](), list[Trial]()
    fake = FakeRay(lambda _, folder, __: folder == str(trials[1].folder))
    monkeypatch.setattr(engines, "ray_cluster", fake.cluster)
    monkeypatch.setattr(engines, "learn_trial", lambda _, folder, __: learned.append(folder))
    engines.learn_by_ray(trials, tmp_path / "registry", done.append, on_gpu=True)
    assert sorted(learned) == [str(trials[0].folder), str(trials[2].folder)]
    assert {trial.seed for trial in done} == {0, 1, 2}
    assert fake.options == {"num_cpus": 1, "num_gpus": 1, "max_retries": 3}
    failure = trials[1].failure
    assert failure is not None
    assert (failure.error, failure.reason) == ("RayError", "the worker died")
    assert trials[0].failure is None


def test_a_job_whose_time_ends_is_submitted_again_with_the_same_trial() -> None:
    pytest.importorskip("submitit")
    again = engines._Resumed().checkpoint("lungs", "folder", "registry")
    assert isinstance(again.function, engines._Resumed)
    assert again.args == ("lungs", "folder", "registry")


@pytest.mark.slow
@pytest.mark.unpickles
@pytest.mark.parametrize("engine", ["slurm", "ray"])
def test_an_engine_learns_what_this_process_learns(
    engine: str, run_folder: Path, tmp_path: Path, lung_films: Path, small: Any
) -> None:
    pytest.importorskip({"slurm": "submitit", "ray": "ray"}[engine])
    warnings.simplefilter("ignore")  # of the engines' own
    registry, results = run_folder / "registry", []
    for where in ("here", engine):
        trial = Trial.of(tmp_path, "lungs", {"where": where}, small(lung_films), where)
        trial.write_options(small(lung_films))
        if where == "here":
            engines.learn_here([trial], registry, lambda _: None, progress=False)
        elif where == "ray":
            engines.learn_by_ray([trial], registry, lambda _: None)
        else:
            engines.learn_by_slurm([trial], registry, lambda _: None, cluster="local")
        results.append(trial.result)
        assert trial.failure is None
    assert results[0] is not None
    assert results[1] is not None
    assert results[1].digests == results[0].digests
