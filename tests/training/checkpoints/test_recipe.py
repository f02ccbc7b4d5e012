"""A training goes on only as the training it was."""

import contextlib
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import piggygan.training.checkpoints.recipe as recipe_module
from piggygan.data import PairAugmentation, PairDataset, batches
from piggygan.errors import ConfigurationError, ResumeError
from piggygan.model.calibration import calibrate
from piggygan.training import Checkpoints, load_best


def interrupt(program: Any, folder: Path, objective: Any = None, data: Any = None) -> None:
    """Leave a training in the middle of its second epoch."""
    objective = objective or program.make_objective()
    play, count = objective.play, 0

    def cut(batch: Any) -> Any:
        nonlocal count
        count += 1
        if count == 15:
            raise KeyboardInterrupt
        return play(batch)

    objective.play = cut
    with contextlib.suppress(KeyboardInterrupt):
        program.run(objective, data or program.make_data("shuffle"), Checkpoints(folder, every_steps=1))


def digest(objective: Any) -> list[bytes]:
    return [t.numpy().tobytes() for module in objective.modules().values() for t in module.state_dict().values()]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"seed": 6}, "seed was 5, is 6"),
        ({"learning_rate": 0.5}, r"learning_rate was 0\.001, is 0\.5"),
        ({"weight_decay": 0.1}, r"weight_decay was 0\.0, is 0\.1"),
    ],
)
def test_e13_other_options_are_refused_by_name_unless_that_is_asked_for(
    program: Any, tmp_path: Path, options: dict[str, Any], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    interrupt(program, tmp_path)
    objective = program.make_objective()
    start = digest(objective)
    files = sorted(tmp_path.iterdir())
    with pytest.raises(ResumeError, match=named):
        program.run(objective, program.make_data("shuffle"), Checkpoints(tmp_path), **options)
    assert digest(objective) == start
    assert sorted(tmp_path.iterdir()) == files
    history = program.run(
        objective, program.make_data("shuffle"), Checkpoints(tmp_path, inexact=True), **{"epochs": 4, **options}
    )
    assert len(history.epochs) == options.get("epochs", 4)
    assert any(re.search(named, record.getMessage()) for record in caplog.records)


def test_e13_other_data_batch_size_workers_and_order_are_refused_by_name(program: Any, tmp_path: Path) -> None:
    interrupt(program, tmp_path)
    pairs = program.VariedPairs()
    for data, named in (
        (DataLoader(pairs, 4, shuffle=True), "batches an epoch was 10, is 5; batch size was 2, is 4"),
        (DataLoader(program.VariedPairs(18), 2, shuffle=True), "batches an epoch was 10, is 9"),
        (DataLoader(pairs, 2, shuffle=True, num_workers=1), "workers was 0, is 1"),
        (DataLoader(pairs, 2), "order of the data was RandomSampler, is SequentialSampler"),
        (program.make_data("list"), "data was VariedPairs, is list"),
    ):
        with pytest.raises(ResumeError, match=named):
            program.run(program.make_objective(), data, Checkpoints(tmp_path))


def test_e13_the_same_names_with_other_pictures_are_other_data(program: Any, tmp_path: Path) -> None:
    def dataset(value: int, **arguments: Any) -> PairDataset:
        folder = tmp_path / f"files {value}"
        folder.mkdir(exist_ok=True)
        for number in range(20):
            pixels = np.full((8, 16, 3), value, dtype=np.uint8)
            pixels[number % 8] = 7
            Image.fromarray(pixels).save(folder / f"{number:02d}.png")
        return PairDataset.side_by_side(folder, 8, **arguments)

    def three(**arguments: Any) -> Any:
        torch.manual_seed(0)
        return program.SupervisedObjective(torch.nn.Conv2d(3, 3, 1), **arguments)

    folder = tmp_path / "checkpoints"
    interrupt(program, folder, three(), batches(dataset(1), 2))
    for data in (
        batches(dataset(2), 2),
        batches(dataset(1), 2, seed=1),
        batches(dataset(1, augmentation=PairAugmentation()), 2),
    ):
        with pytest.raises(ResumeError, match="data was"):
            program.run(three(), data, Checkpoints(folder))
    with pytest.raises(ResumeError, match=r"objective's l1_weight was 100.0, is 7.0"):
        program.run(three(l1_weight=7.0), batches(dataset(1), 2), Checkpoints(folder))
    program.run(three(), batches(dataset(1), 2), Checkpoints(folder))


def test_e13_other_networks_versions_and_frozen_tasks_are_refused(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(program, tmp_path)
    with pytest.raises(ResumeError, match="objective was Pix2PixObjective, is SupervisedObjective"):
        program.run(program.make_objective("supervised"), program.make_data("shuffle"), Checkpoints(tmp_path))
    with pytest.raises(ResumeError, match="of other networks"):  # even then
        program.run(
            program.make_objective("supervised"), program.make_data("shuffle"), Checkpoints(tmp_path, inexact=True)
        )
    objective = program.make_objective()
    with torch.no_grad():
        next(t for n, t in objective.modules()["generator"].task_tensors("facades").items()).add_(1.0)
    with pytest.raises(ResumeError, match=r"generator.*\(frozen\) has other values"):
        program.run(objective, program.make_data("shuffle"), Checkpoints(tmp_path))
    monkeypatch.setattr(recipe_module, "__version__", "99.0")
    with pytest.raises(ResumeError, match=r"piggygan version was .*, is 99\.0"):
        program.run(program.make_objective(), program.make_data("shuffle"), Checkpoints(tmp_path))


def test_what_does_not_change_the_result_may_differ(program: Any, tmp_path: Path) -> None:
    interrupt(program, tmp_path)
    program.run(
        program.make_objective(),
        program.make_data("shuffle"),
        Checkpoints(tmp_path, every_steps=7, keep_last=5),
        sample_every=3,
        log_path=tmp_path / "log",
    )


def test_e12_a_loader_whose_state_cannot_be_had_is_refused(program: Any, tmp_path: Path) -> None:
    data = DataLoader(program.VariedPairs(), 2, num_workers=1, persistent_workers=True)
    with pytest.raises(ConfigurationError, match="persistent_workers"):
        program.run(program.make_objective(), data, Checkpoints(tmp_path))


def test_e12_a_checkpoint_without_random_states_is_refused(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with monkeypatch.context() as patch:
        patch.setattr("piggygan.training.random_states.RandomState.tensors", lambda _: {"torch": torch.get_rng_state()})
        interrupt(program, tmp_path)
    objective = program.make_objective()
    start = digest(objective)
    with pytest.raises(ResumeError, match="another training"):
        program.run(objective, program.make_data("shuffle"), Checkpoints(tmp_path))
    assert digest(objective) == start


def test_e13_ways_that_were_measured_are_part_of_the_training(program: Any, tmp_path: Path) -> None:
    interrupt(program, tmp_path)
    objective = program.make_objective()
    calibrate(objective.modules()["generator"], torch.zeros(1, 3, 16, 16), "lungs")
    with pytest.raises(ResumeError, match="calibrated ways of the generator was not there, is"):
        program.run(objective, program.make_data("shuffle"), Checkpoints(tmp_path))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"draws_on": ["facades", "edges"]},
            "draws_on of 'lungs' of the generator was facades, hearts, is facades, edges",
        ),
        ({"factor_step": 8.0}, r"factor_step of 'lungs' of the generator was 32\.0, is 8\.0"),
    ],
)
def test_a_task_that_draws_on_others_or_has_another_factor_step_is_another_training(
    program: Any, tmp_path: Path, settings: dict[str, Any], named: str
) -> None:
    def make(**arguments: Any) -> Any:
        torch.manual_seed(7)
        model = program.make_model(out_channels=1)
        model.remove_task("lungs")
        for task in ("hearts", "edges"):
            model.add_task(task)
            model.freeze_task(task)
        model.add_task("lungs", **{"out_channels": 1, "draws_on": ["facades", "hearts"], **arguments})
        return program.SupervisedObjective(
            model, generator_parameters=model.task_parameters("lungs"), forward_arguments={"task": "lungs"}
        )

    data, checkpoints = program.make_data("list"), Checkpoints(tmp_path)
    program.run(make(), data, checkpoints, epochs=1, on_epoch=lambda _: 1.0)
    other = make(**settings)
    start = digest(other)
    for folder in (checkpoints, Checkpoints(tmp_path, inexact=True)):  # its factors would be others: even then
        with pytest.raises(ResumeError, match=named):
            program.run(other, data, folder, epochs=1)
        with pytest.raises(ResumeError, match=named):
            load_best(folder, other)
    assert digest(other) == start
    load_best(checkpoints, make())


def test_processes_that_are_not_alike_are_refused_but_for_their_data() -> None:
    main = {"torch version": "2.13.0", "data": "films", "batches an epoch": "3"}
    recipe_module.check_alike(main, {**main, "data": "other films", "batches an epoch": "4"}, 1)
    with pytest.raises(
        ConfigurationError, match=r"process 1 is not like the main one: there torch version is 2\.13\.0"
    ):
        recipe_module.check_alike(main, {**main, "torch version": "2.12.0"}, 1)
