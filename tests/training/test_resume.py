"""A training that was interrupted ends in the bytes of one that was not."""

import contextlib
import json
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from piggygan.errors import TrainingDivergedError
from piggygan.training import Checkpoints

State = Callable[[Path], tuple[Any, dict[str, bytes]]]
Whole = Callable[[str, str], Path]
ALL = 40


class PowerCut(BaseException):
    """Ends a training between two instructions."""


def cut_at(objective: Any, step: int) -> Any:
    """Let the power fail when the step begins, counted from 1 in this process."""
    play, count = objective.play, 0

    def cut(batch: Any) -> Any:
        nonlocal count
        count += 1
        if count == step:
            raise PowerCut
        return play(batch)

    objective.play = cut
    return objective


def assert_same(one: tuple[Any, dict[str, bytes]], other: tuple[Any, dict[str, bytes]]) -> None:
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    assert [name for name in one[1] if one[1][name] != other[1][name]] == []


def test_the_whole_state_is_stored(end_state: State, uninterrupted: Whole) -> None:
    document, tensors = end_state(uninterrupted("pix2pix", "shuffle"))
    kinds = {name.split(".")[0] for name in tensors}
    assert kinds == {"network", "optimizer", "random"}
    assert {name.split(".")[1] for name in tensors if name.startswith("optimizer")} == {"generator", "discriminator"}
    assert any("running_mean" in name for name in tensors)
    assert not any("task_facades" in name or "generator.conv" in name for name in tensors)  # the frozen rest
    assert document["finished_epochs"] == 4
    assert len(document["history"]) == 4


@pytest.mark.parametrize(
    ("kind", "data"), [("pix2pix", "shuffle"), ("supervised", "generator"), ("cyclegan", "shuffle")]
)
def test_e01_a_training_cut_off_at_every_step_of_40_ends_in_the_same_bytes(
    program: Any, end_state: State, uninterrupted: Whole, tmp_path: Path, kind: str, data: str
) -> None:
    checkpoints = Checkpoints(tmp_path, every_steps=1)
    for _ in range(ALL):  # each time the first step is saved and the second is not reached
        with contextlib.suppress(PowerCut):  # the last one has no second step
            program.run(cut_at(program.make_objective(kind), 2), program.make_data(data), checkpoints)
    program.run(program.make_objective(kind), program.make_data(data), checkpoints)
    assert_same(end_state(tmp_path), end_state(uninterrupted(kind, data)))


@pytest.mark.parametrize(
    ("data", "step"),
    [
        ("list", 11),
        ("stream", 11),
        ("generator", 10),
        ("shuffle", 4),
        ("shuffle", 25),
        pytest.param("workers", 25, marks=pytest.mark.unpickles),
    ],
)
def test_steps_since_the_last_checkpoint_are_taken_again_from_any_kind_of_batches(
    program: Any, end_state: State, uninterrupted: Whole, tmp_path: Path, data: str, step: int
) -> None:
    checkpoints = Checkpoints(tmp_path, every_steps=3)
    with pytest.raises(PowerCut):
        program.run(cut_at(program.make_objective(), step), program.make_data(data), checkpoints)
    random.seed(99)  # whatever another process has drawn
    torch.manual_seed(99)
    program.run(program.make_objective(), program.make_data(data), checkpoints)
    assert_same(end_state(tmp_path), end_state(uninterrupted("pix2pix", data)))


def test_a_factor_step_that_is_no_power_of_two_goes_on_in_the_same_bytes(
    program: Any, end_state: State, tmp_path: Path
) -> None:
    def make() -> Any:
        torch.manual_seed(7)
        model = program.make_model(out_channels=1, factor_step=10.0)
        return program.SupervisedObjective(
            model, generator_parameters=model.task_parameters("lungs"), forward_arguments={"task": "lungs"}
        )

    program.run(make(), program.make_data("list"), Checkpoints(tmp_path / "whole"))
    for step in (3, 14, 99):
        with contextlib.suppress(PowerCut):
            program.run(cut_at(make(), step), program.make_data("list"), Checkpoints(tmp_path / "cut", every_steps=1))
    assert_same(end_state(tmp_path / "cut"), end_state(tmp_path / "whole"))


def test_e12_the_pools_of_cyclegan_go_on_too(program: Any, end_state: State, tmp_path: Path) -> None:
    with pytest.raises(PowerCut):
        program.run(
            cut_at(program.make_objective("cyclegan"), 14),
            program.make_data("list"),
            Checkpoints(tmp_path, every_steps=1),
        )
    _, tensors = end_state(tmp_path)
    pools = {name.rpartition(".")[0] for name in tensors if name.startswith("objective.")}
    assert pools == {"objective.forward", "objective.backward"}
    assert sum(name.startswith("objective.") for name in tensors) == 12
    objective = cut_at(program.make_objective("cyclegan"), 1)
    with pytest.raises(PowerCut):
        program.run(objective, program.make_data("list"), Checkpoints(tmp_path))
    assert {f"objective.{name}": image.numpy().tobytes() for name, image in objective.state().items()} == {
        name: data for name, data in tensors.items() if name.startswith("objective.")
    }


def test_saving_changes_nothing_in_a_training(program: Any, end_state: State, uninterrupted: Whole) -> None:
    _, saved = end_state(uninterrupted("pix2pix", "shuffle"))
    objective = program.make_objective()
    program.run(objective, program.make_data("shuffle"), None)
    for role, module in objective.modules().items():
        for name, tensor in module.state_dict().items():
            assert saved.get(f"network.{role}.{name}", tensor.numpy().tobytes()) == tensor.numpy().tobytes()


def test_a_finished_training_returns_at_once_and_leaves_all_as_it_was(program: Any, tmp_path: Path) -> None:
    first = program.make_objective()
    history = program.run(first, program.make_data("shuffle"), Checkpoints(tmp_path))
    drawn = torch.rand(3)
    files = sorted(tmp_path.iterdir())
    again = cut_at(program.make_objective(), 1)
    assert program.run(again, program.make_data("shuffle"), Checkpoints(tmp_path)) == history
    assert torch.equal(torch.rand(3), drawn)
    assert sorted(tmp_path.iterdir()) == files
    for role, module in first.modules().items():
        other = again.modules()[role].state_dict()
        assert all(tensor.numpy().tobytes() == other[n].numpy().tobytes() for n, tensor in module.state_dict().items())


def test_an_objectives_own_state_goes_on_too(program: Any, tmp_path: Path) -> None:
    def pooled() -> Any:
        objective = program.make_objective()
        objective.pool = torch.zeros(1)
        objective.state = lambda: {"pool": objective.pool}
        objective.load_state = lambda state: setattr(objective, "pool", state["pool"])
        play = objective.play

        def remember(batch: Any) -> Any:
            objective.pool = objective.pool + batch.input.sum()
            return play(batch)

        objective.play = remember
        return objective

    whole, halves = pooled(), pooled()
    program.run(whole, program.make_data("shuffle"), Checkpoints(tmp_path / "whole"))
    with pytest.raises(PowerCut):
        program.run(cut_at(pooled(), 17), program.make_data("shuffle"), Checkpoints(tmp_path / "cut", every_steps=4))
    program.run(halves, program.make_data("shuffle"), Checkpoints(tmp_path / "cut"))
    assert halves.pool.numpy().tobytes() == whole.pool.numpy().tobytes()


def test_what_an_objective_draws_goes_on_too(program: Any, end_state: State, tmp_path: Path) -> None:
    def drawing() -> Any:
        objective = program.make_objective("supervised")
        play = objective.play
        objective.play = lambda batch: play(
            batch._replace(input=batch.input * random.random() * float(np.random.rand()) + random.gauss(0, 0.1))
        )
        return objective

    program.run(drawing(), program.make_data("list"), Checkpoints(tmp_path / "whole"))
    with pytest.raises(PowerCut):
        program.run(cut_at(drawing(), 14), program.make_data("list"), Checkpoints(tmp_path / "cut", every_steps=1))
    program.run(drawing(), program.make_data("list"), Checkpoints(tmp_path / "cut"))
    assert_same(end_state(tmp_path / "cut"), end_state(tmp_path / "whole"))


def test_bad_steps_in_a_row_are_counted_across_a_resume(program: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    batches = [batch._replace(target=batch.target * torch.nan) for batch in program.make_data("list")]
    batches[:2] = program.make_data("list")[:2]

    def plain() -> Any:
        return program.SupervisedObjective(torch.nn.Conv2d(3, 1, 1))

    checkpoints = Checkpoints(tmp_path, every_steps=1)
    with pytest.raises(PowerCut):
        program.run(cut_at(plain(), 5), batches, checkpoints, tolerated_bad_steps=3)  # two were bad
    with pytest.raises(TrainingDivergedError, match="step 6, after 3 bad steps in a row"):
        program.run(plain(), batches, checkpoints, tolerated_bad_steps=3)


def test_divergence_after_a_resume_puts_the_last_good_epoch_back(program: Any, tmp_path: Path) -> None:
    whole = program.make_objective()
    program.run(whole, program.make_data("list"), Checkpoints(tmp_path / "whole"), epochs=1, decay_from=1.0)
    with pytest.raises(PowerCut):
        program.run(
            cut_at(program.make_objective(), 15),
            program.make_data("list"),
            Checkpoints(tmp_path / "cut", every_steps=1),
            decay_from=1.0,
        )
    broken = program.make_objective()
    play = broken.play
    broken.play = lambda batch: play(batch._replace(target=batch.target * torch.nan))
    with pytest.raises(TrainingDivergedError, match="as they were after epoch 1"):
        program.run(broken, program.make_data("list"), Checkpoints(tmp_path / "cut"), decay_from=1.0)
    for role, module in whole.modules().items():
        other: dict[str, Tensor] = broken.modules()[role].state_dict()
        assert all(tensor.numpy().tobytes() == other[n].numpy().tobytes() for n, tensor in module.state_dict().items())


def test_the_log_has_each_epoch_once_and_keeps_what_was_there_before(program: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    former = '{"epoch": 9}\n'
    log.write_text(former)
    checkpoints = Checkpoints(tmp_path / "checkpoints", every_epochs=2)
    with pytest.raises(PowerCut):
        program.run(cut_at(program.make_objective(), 36), program.make_data("list"), checkpoints, log_path=log)
    assert len(log.read_text().splitlines()) == 1 + 3  # the last of which no checkpoint knows
    log.write_text(log.read_text() + '{"epo')  # a line that was being written
    program.run(program.make_objective(), program.make_data("list"), checkpoints, log_path=log)
    assert log.read_text().startswith(former)
    assert [json.loads(line)["epoch"] for line in log.read_text().splitlines()] == [9, 1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pix2pix", "cyclegan"])
@pytest.mark.parametrize("step", range(1, ALL + 1))
def test_e01_a_process_killed_at_any_step_of_40_goes_on_to_the_same_bytes(
    start_program: Any, end_state: State, uninterrupted: Whole, tmp_path: Path, step: int, kind: str
) -> None:
    arguments = ["--every-steps", "3", "--kind", kind]
    _kill_at(start_program(tmp_path, *arguments), step)
    done = start_program(tmp_path, *arguments)
    _, said = done.communicate(timeout=120)
    assert done.returncode == 0, said
    assert_same(end_state(tmp_path), end_state(uninterrupted(kind, "shuffle")))


def test_e01_a_killed_process_goes_on_to_the_same_bytes(
    start_program: Any, end_state: State, uninterrupted: Whole, program: Any, tmp_path: Path
) -> None:
    _kill_at(start_program(tmp_path, "--every-steps", "3"), 18)
    program.run(program.make_objective(), program.make_data("shuffle"), Checkpoints(tmp_path))
    assert_same(end_state(tmp_path), end_state(uninterrupted("pix2pix", "shuffle")))


def _kill_at(process: Any, step: int) -> None:
    for _ in range(step):
        assert process.stdout.readline() == "step\n", process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
