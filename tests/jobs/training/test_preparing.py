"""From what was asked for to what is learned: what is filled in, what is refused, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.errors import ConfigurationError, PiggyganError, ResumeError, TaskNotFoundError
from piggygan.jobs.config import LearningConfig, MethodConfig, NetworkConfig, TrainConfig
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.preparing import Prepared, differences, filled_in, prepare
from piggygan.jobs.training.run import train_task


def prepared(folder: Path, task: str, config: TrainConfig) -> Prepared:
    """Prepare a task, and see that nothing was written."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    try:
        return prepare(RunFolder.at(folder), task, config)
    finally:
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_first_task_gets_a_network_and_a_later_one_that_of_its_registry(
    once_learned: Path, tmp_path: Path, facade_pairs: Path, lung_films: Path, small: Any
) -> None:
    first = prepared(tmp_path / "new", "facades", small(facade_pairs, size=32))
    assert first.beginning.is_first
    assert (first.config.network.net, first.config.network.size, first.registry.tasks) == ("unet_32", 32, ())
    assert not (tmp_path / "new").exists()
    later = prepared(once_learned, "lungs", small(lung_films))
    assert later.config.network == first.config.network
    assert later.learner.generator.tasks == ("facades", "lungs")
    assert (later.beginning.draws_on, later.beginning.start_from) == (("facades",), "facades")
    assert (later.config.method.draws_on, later.config.method.start_from) == (("facades",), "facades")
    assert (later.goes_on, later.former_epochs) == (False, None)


def test_the_seed_decides_what_a_task_starts_from(once_learned: Path, lung_films: Path, small: Any) -> None:
    def digests(seed: int) -> dict[str, str]:
        return prepared(once_learned, "lungs", small(lung_films, init="normal", seed=seed)).learner.digests

    assert digests(0) == digests(0) != digests(1)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"width": 4}, ConfigurationError, r"is unet_32 of width 2 .* --width 4 is another"),
        ({"net": "resnet_6blocks"}, ConfigurationError, "--net resnet_6blocks is another"),
        ({"size": 48}, ConfigurationError, "unet_32 takes pictures whose side is a multiple of 32"),
        ({"draws_on": ()}, TaskNotFoundError, "draws_on names no task: name some of facades"),
        ({"draws_on": ("windows",)}, TaskNotFoundError, "windows"),
        ({"objective": "cyclegan"}, ConfigurationError, "take --objective pix2pix or supervised"),
        pytest.param(
            {"device": "cuda"},
            ConfigurationError,
            "PyTorch finds no GPU here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_what_does_not_fit_the_registry_is_refused(
    options: dict[str, Any], kind: type[PiggyganError], words: str, once_learned: Path, lung_films: Path, small: Any
) -> None:
    with pytest.raises(kind, match=words):
        prepared(once_learned, "lungs", small(lung_films, **options))


def test_unpaired_sides_need_a_registry_of_two_networks(once_learned: Path, lung_films: Path, small: Any) -> None:
    config = small()
    data = replace(config.data, side_a=lung_films / "images", side_b=lung_films / "masks", split="0.6/0.2/0.2")
    with pytest.raises(ConfigurationError, match="holds one network, which learn pairs or masks, and the data are u"):
        prepared(once_learned, "windows", replace(config, data=data))


def test_the_place_of_the_first_task_is_taken_once(run_folder: Path, facade_pairs: Path, small: Any) -> None:
    (run_folder / "tasks/facades").rename(run_folder / "tasks/houses")
    with pytest.raises(ResumeError, match=r"'houses' was begun as the first task of .* now is 'facades'"):
        prepared(run_folder, "houses", small(facade_pairs))


def test_a_task_that_was_begun_goes_on_with_what_it_was_begun_with(
    run_folder: Path, lung_films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(BaseException):
        pass

    def stop(*_: Any) -> None:
        raise Stopped

    monkeypatch.setattr("piggygan.jobs.training.run.learn", stop)
    with pytest.raises(Stopped):
        train_task(run_folder, "lungs", small(lung_films, learning_rate=1e-3), progress=False)
    monkeypatch.undo()
    again = prepared(run_folder, "lungs", small(lung_films, epochs=5, batch_size=None))
    assert again.goes_on
    assert again.former_epochs == 3
    assert (again.config.training.learning_rate, again.config.training.batch_size) == (1e-3, 2)
    with pytest.raises(ResumeError, match=r"begun with other options: seed was 0, is 7\. Start it as it was"):
        prepared(run_folder, "lungs", small(lung_films, seed=7))


def test_only_what_is_not_said_is_filled_in() -> None:
    former = TrainConfig(
        network=NetworkConfig(width=8, norm="batch"),
        method=MethodConfig(start_from="lungs"),
        training=LearningConfig(epochs=9, learning_rate=1e-3),
    )
    now = TrainConfig(network=NetworkConfig(width=4), training=LearningConfig(learning_rate=0.0))
    found = filled_in(now, former)
    assert (found.network.width, found.network.norm) == (4, "batch")
    assert (found.training.epochs, found.training.learning_rate) == (9, 0.0)
    assert found.method.start_from == "lungs"
    asked = filled_in(replace(now, method=MethodConfig(start_from="last")), former)
    assert asked.method.start_from == "last"


def test_options_that_decide_what_is_learned_are_told_and_others_may_change() -> None:
    former = TrainConfig(training=LearningConfig(epochs=9, validate_every=1))
    free = LearningConfig(epochs=10, workers=2, device="cpu", keep_checkpoints=True, validate_every=2)
    assert differences(TrainConfig(training=free), former) == []
    other = replace(former, network=NetworkConfig(width=4), method=MethodConfig(init="normal"))
    assert differences(other, former) == ["width was None, is 4", "init was warm, is normal"]
    best = replace(former, training=replace(former.training, keep="best"))
    changed = replace(best, training=replace(best.training, validate_every=2))
    assert differences(changed, best) == ["validate_every was 1, is 2"]  # it decides which epoch is the best
