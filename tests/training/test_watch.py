"""What is finite and wrong all the same is said in the log."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import TrainingDivergedError
from piggygan.training import Checkpoints, SupervisedObjective
from piggygan.training.watch import PATIENCE, Watch


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_e10_a_player_that_has_won_is_said_once_with_its_step(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    for step in range(1, 3 * PATIENCE):
        watch.look(f"step {step}", "discriminator", 1e-5, 1.0, None)
    (message,) = said(caplog)
    assert message.startswith(f"step {PATIENCE}: the losses of 'discriminator' have been below 0.001")
    watch.look("step 0", "discriminator", 0.7, 1.0, None)
    for step in range(PATIENCE - 1):
        watch.look(f"step {step}", "discriminator", 1e-5, 1.0, None)
    assert len(said(caplog)) == 1


def test_e10_a_gradient_that_explodes_is_said_with_its_step(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    watch.look("step 1", "generator", 1.0, 50.0, 2.0)
    for step in range(2, 60):
        watch.look(f"step {step}", "generator", 1.0, 50.0, 2.0)
    assert said(caplog) == []
    watch.look("step 60", "generator", 1.0, 6000.0, 2.0)
    (message,) = said(caplog)
    assert message.startswith("step 60: the gradients of 'generator' have a norm of 6e+03, usual is 50")


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        return self.value.expand(images.shape[0], 1, *images.shape[2:])


def test_e10_a_constant_output_is_said_and_the_count_goes_on_after_a_resume(
    program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    objective = SupervisedObjective(Constant())
    program.run(objective, program.make_data("list"), Checkpoints(tmp_path), epochs=6)
    assert said(caplog) == []
    program.run(
        SupervisedObjective(Constant()), program.make_data("list"), Checkpoints(tmp_path, inexact=True), epochs=12
    )
    told = [message for message in said(caplog) if "the same everywhere" in message]
    assert told == ["epoch 10, step 10: the output of 'generator' has been the same everywhere for 100 steps."]


def test_a_healthy_training_says_nothing(program: Any, caplog: pytest.LogCaptureFixture) -> None:
    program.run(program.make_objective(), program.make_data("shuffle"), None, epochs=4)
    assert said(caplog) == []


def test_e08_divergence_replaces_neither_the_last_good_nor_the_best_checkpoint(program: Any, tmp_path: Path) -> None:
    objective = program.make_objective()
    play, steps = objective.play, 0

    def breaking(batch: Any) -> Any:
        nonlocal steps
        steps += 1
        return play(batch if steps <= 24 else batch._replace(target=batch.target * torch.nan))

    objective.play = breaking
    checkpoints = Checkpoints(tmp_path, every_steps=2)
    with pytest.raises(TrainingDivergedError, match=r"epoch 3: .* at step 5"):
        program.run(objective, program.make_data("list"), checkpoints, on_epoch=lambda record: float(record.epoch))
    names = sorted(path.name[:21] for path in tmp_path.glob("*.safetensors"))
    assert names == ["best-000002-000000000", "last-000002-000000002", "last-000002-000000004"]
    program.run(program.make_objective(), program.make_data("list"), checkpoints)
