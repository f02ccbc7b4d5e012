"""A tracker hears of each epoch once, over stops too, of nothing that is not written down, and ends no training."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.training.following import Follower
from piggygan.jobs.training.looking import Looks, lines_of
from piggygan.jobs.training.plan import plan_task
from piggygan.jobs.training.run import train_task
from piggygan.training import EpochRecord

look = Looks.__call__
FAKES = ("tensorboard", "wandb", "trackio", "mlflow")
FAKE = '''
"""Notes what it is told in a file."""
import json, os
from types import SimpleNamespace


def note(*what):
    print("a tracker's words")
    if os.environ.get("FAKE_TRACKER_FAILS") == what[0]:
        raise ConnectionError("no network\\nat all")
    with open(os.environ["FAKE_TRACKER"], "a") as file:
        file.write(json.dumps(what, default=str) + "\\n")


class Run:
    info = SimpleNamespace(run_id="0123abcd")

    def log(self, values, step):
        note("log", values, step)

    def finish(self):
        note("finish")


def init(**options):
    note("init", options)
    return Run()


class Image:
    def __init__(self, pixels):
        self.shape = list(pixels.shape)

    def __str__(self):
        return f"picture of {self.shape}"


class SummaryWriter:
    def __init__(self, folder):
        note("init", {"folder": folder})

    def add_scalar(self, name, value, global_step):
        note("log", {name: value}, global_step)

    def add_images(self, name, pixels, global_step, dataformats):
        note("log", {name: f"pictures of {list(pixels.shape)} {dataformats}"}, global_step)

    def flush(self):
        pass

    def close(self):
        note("finish")


def search_experiments(filter_string):
    return []


def create_experiment(**options):
    return "7"


def start_run(**options):
    note("init", options)
    return Run()


def log_metrics(values, step):
    note("log", values, step)


def end_run():
    note("finish")
'''


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[Any]]]:
    """Install trackers that note what they are told, and read that."""
    (tmp_path / "packages").mkdir()
    for package in FAKES:
        (tmp_path / "packages" / f"{package}.py").write_text(FAKE)
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setattr(torch.utils, "tensorboard", importlib.import_module("tensorboard"), raising=False)
    path = tmp_path / "told.jsonl"
    monkeypatch.setenv("FAKE_TRACKER", str(path))
    return lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def by_epoch(told: list[list[Any]]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for _, values, step in (line for line in told if line[0] == "log"):
        known = found.setdefault(step, {})
        assert not known.keys() & values.keys(), "it was told twice"
        known |= values
    return found


def written(files: TaskFolder) -> dict[int, dict[str, float]]:
    """Put together by hand what the files say."""
    found = {
        line["epoch"]: {"learning_rate": line["learning_rate"]} | {f"loss/{k}": v for k, v in line["losses"].items()}
        for line in map(json.loads, files.log.read_text().splitlines())
    }
    for line in map(json.loads, files.validation.read_text().splitlines()):
        found[line["epoch"]] |= {f"validation/{name}": value for name, value in line["scores"].items()}
    return found


@pytest.mark.parametrize("tracker", FAKES)
def test_it_is_told_what_is_written_down_and_no_more(
    tracker: str, tmp_path: Path, facade_pairs: Path, small: Any, told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small(facade_pairs, size=32, tracker=tracker, validate_every=2)
    train_task(tmp_path / "exp", "facades", config, progress=False)
    files = RunFolder.at(tmp_path / "exp").task("facades")
    assert by_epoch(told()) == written(files)
    assert [line[0] for line in told()][0 :: len(told()) - 1] == ["init", "finish"]
    assert sum(line[0] == "init" for line in told()) == 1
    assert capsys.readouterr().out == ""  # a command's own words, --json say, are not mixed with a tracker's
    if tracker == "tensorboard":
        assert told()[0][1] == {"folder": str(files.root / "tensorboard")}


@pytest.mark.parametrize("tracker", FAKES)
def test_a_training_that_goes_on_goes_on_in_the_same_run(
    tracker: str,
    tmp_path: Path,
    facade_pairs: Path,
    small: Any,
    told: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    def killed(looks: Looks, record: EpochRecord) -> float | None:
        if record.epoch == 3:
            raise Killed
        return look(looks, record)

    config = small(facade_pairs, size=32, tracker=tracker, validate_every=1)
    with monkeypatch.context() as patched:
        patched.setattr(Looks, "__call__", killed)
        patched.setattr("piggygan.training.checkpoints.saving.Saving._has_time", lambda _: False)
        with pytest.raises(Killed):
            train_task(tmp_path / "exp", "facades", config, progress=False)
    assert list(by_epoch(told())) == [1, 2]
    train_task(tmp_path / "exp", "facades", small(facade_pairs), progress=False)  # a shorter line: it is as it was
    assert by_epoch(told()) == written(RunFolder.at(tmp_path / "exp").task("facades"))  # none twice
    first, second = (line[1] for line in told() if line[0] == "init")
    run = json.loads((tmp_path / "exp/tasks/facades/tracker.json").read_text())["run"]
    if tracker == "mlflow":
        assert (first["run_id"], second["run_id"]) == (None, run)
    else:
        assert first == second


@pytest.mark.parametrize("moment", ["init", "log", "finish"])
def test_a_tracker_that_fails_warns_once_and_ends_no_training(
    moment: str, tmp_path: Path, facade_pairs: Path, small: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TRACKER_FAILS", moment)
    tracked = train_task(tmp_path / "a", "facades", small(facade_pairs, size=32, tracker="wandb"), progress=False)
    plain = train_task(tmp_path / "b", "facades", small(facade_pairs, size=32), progress=False)
    assert tracked.digests == plain.digests
    (line,) = lines_of(RunFolder.at(tmp_path / "a").task("facades").warnings)
    assert "wandb failed (ConnectionError: no network). The training goes on without it" in line["text"]
    assert not any(line[0] == moment for line in told())


def test_what_a_failure_kept_from_it_is_sent_when_the_training_goes_on(
    tmp_path: Path, once_learned: Path, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = RunFolder.at(once_learned).task("facades")
    kept = TaskFolder(tmp_path / "tasks" / "facades", "facades")
    kept.root.mkdir(parents=True)
    for name in ("log", "validation"):
        getattr(kept, name).write_bytes(getattr(files, name).read_bytes())
    for moment, epochs in (("log", []), ("", [1, 2, 3]), ("", [1, 2, 3])):
        monkeypatch.setenv("FAKE_TRACKER_FAILS", moment)
        follower = Follower("trackio", kept, pictures=False)
        follower.open()
        follower()
        assert list(by_epoch(told())) == epochs
    other = Follower("wandb", kept, pictures=False)  # to which all of it is new
    other.open()
    other()
    assert [line[2] for line in told() if line[0] == "log"] == [1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize("tracker", ["tensorboard", "wandb"])
def test_pictures_are_shown_to_it_if_so_asked(
    tracker: str, tmp_path: Path, facade_pairs: Path, small: Any, told: Any
) -> None:
    config = small(facade_pairs, size=32, epochs=1, tracker=tracker, track="pictures")
    assert any(
        line.endswith("scores, and pictures of validation pairs") for line in plan_task(tmp_path / "exp", "a", config)
    )
    assert not told()  # a plan opens nothing
    train_task(tmp_path / "exp", "facades", config, progress=False)
    assert "picture" in str(by_epoch(told())[1]["validation"])
