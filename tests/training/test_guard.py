"""What is frozen must not move while another task trains."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.errors import FrozenTensorError
from piggygan.training import Checkpoints
from piggygan.training.guard import split_tensors


def test_every_tensor_is_either_changing_or_fixed(program: Any) -> None:
    objective = program.make_objective()
    changing, fixed = split_tensors(objective)
    everything = {
        f"{role}.{name}"
        for role, module in objective.modules().items()
        for name, _ in [*module.named_parameters(), *module.named_buffers()]
    }
    assert changing.keys() | fixed.keys() == everything
    assert changing.keys().isdisjoint(fixed)
    model = objective.modules()["generator"]
    pointers = {tensor.data_ptr() for tensor in model.task_tensors("facades").values()}
    assert {tensor.data_ptr() for tensor in fixed.values()} == pointers
    assert any("running_var" in name for name in changing)


@pytest.mark.parametrize("kind", ["filter", "running statistic"])
def test_e11_a_frozen_task_that_moves_while_training_is_an_error_and_nothing_is_committed(
    program: Any, tmp_path: Path, kind: str
) -> None:
    objective = program.make_objective()
    model = objective.modules()["generator"]
    names = {"filter": "weight", "running statistic": "running_mean"}
    tensor = next(t for n, t in model.task_tensors("facades").items() if n.endswith(names[kind]))

    def move(record: Any) -> None:
        if record.epoch == 2:
            tensor.view(-1)[0].add_(1e-3)

    with pytest.raises(FrozenTensorError, match=rf"generator\..*{names[kind]} is frozen, and has changed"):
        program.run(objective, program.make_data("list"), Checkpoints(tmp_path, every_epochs=9), on_epoch=move)
    assert list(tmp_path.glob("*.safetensors")) == []


def test_e11_a_training_that_a_signal_ends_is_looked_at_too(program: Any, tmp_path: Path) -> None:
    objective = program.make_objective()
    tensor = next(iter(objective.modules()["generator"].task_tensors("facades").values()))

    def move(_: Any) -> None:
        tensor.add_(1.0)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(FrozenTensorError):
        program.run(objective, program.make_data("list"), Checkpoints(tmp_path), on_epoch=move)
    assert list(tmp_path.glob("*.safetensors")) == []


def test_e11_a_parameter_that_no_player_moves_is_guarded_too(program: Any) -> None:
    torch.manual_seed(0)
    first, second = torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 1, 1)
    network = torch.nn.Sequential(first, second)
    objective = program.SupervisedObjective(network, generator_parameters=second.parameters())

    def move(_: Any) -> None:
        first.weight.data[0, 0, 0, 0] = -0.0 if first.weight.data[0, 0, 0, 0] == 0 else 0.0

    with pytest.raises(FrozenTensorError, match=r"generator\.0\.weight"):
        program.run(objective, program.make_data("list"), None, on_epoch=move, epochs=1)
