"""How far factors move, with which optimizer."""

import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import ASGD, SGD, Adam, Optimizer, RMSprop

import piggygan as pg
from piggygan.errors import TaskNotFoundError, TaskStateError
from piggygan.model.parameter_groups import SquaredStepWarning, warn_of_squared_steps
from piggygan.training import SupervisedObjective, TrainingOptions
from piggygan.training.state import TrainingState

IMAGES = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def make(factor_step: float) -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 3, 1)), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", factor_step=factor_step, unconstrained_fraction={"*": 0.25})
    return model.double()


def moves(model: pg.MultiTaskGenerator, optimizer: Optimizer) -> dict[str, float]:
    """Take one step and say how far factors and weights moved."""
    before = {name: tensor.clone() for name, tensor in model.task_tensors("lungs").items()}
    model(IMAGES.double(), task="lungs").square().sum().backward()
    optimizer.step()
    after = model.task_tensors("lungs")
    return {name: float((after[name] - before[name]).abs().max()) for name in ("0.factors", "0.unconstrained")}


@pytest.mark.parametrize("kind", [SGD, ASGD, Adam, RMSprop])
@pytest.mark.parametrize("factor_step", [32.0, 10.0, 0.5])
def test_groups_move_factors_factor_step_times_as_far_and_weights_as_far_as_ever(
    kind: type[Optimizer], factor_step: float
) -> None:
    plain, scaled = make(1.0), make(factor_step)
    expected = moves(plain, kind(plain.task_parameters("lungs"), lr=1e-3))
    found = moves(scaled, kind(scaled.parameter_groups("lungs", 1e-3, kind), lr=1e-3))
    assert found["0.unconstrained"] == pytest.approx(expected["0.unconstrained"], rel=1e-6)
    assert found["0.factors"] == pytest.approx(factor_step * expected["0.factors"], rel=1e-4)


def test_without_groups_sgd_moves_them_the_square_of_it() -> None:
    plain, scaled = make(1.0), make(32.0)
    expected = moves(plain, SGD(plain.task_parameters("lungs"), lr=1e-3))
    found = moves(scaled, SGD(scaled.task_parameters("lungs"), lr=1e-3))
    assert found["0.factors"] == pytest.approx(32.0**2 * expected["0.factors"], rel=1e-6)


def test_groups_are_all_that_is_to_move_and_nothing_else() -> None:
    model = make(32.0)
    for kind in (SGD, Adam):
        groups = model.parameter_groups("lungs", 0.1, kind)
        found = [id(parameter) for group in groups for parameter in group["params"]]
        assert sorted(found) == sorted(map(id, model.task_parameters("lungs")))
    assert [group["lr"] for group in model.parameter_groups("lungs", 0.1)] == [0.1, 0.1 / 32]
    model.freeze_task("lungs")
    with pytest.raises(TaskStateError):
        model.parameter_groups("lungs", 0.1)
    with pytest.raises(TaskNotFoundError):
        model.parameter_groups("lung", 0.1)


@pytest.mark.parametrize(
    ("factor_step", "make_optimizer", "warns"),
    [
        (32.0, lambda model: SGD(model.task_parameters("lungs"), lr=0.1), True),
        (32.0, lambda model: ASGD(model.task_parameters("lungs"), lr=0.1), True),
        (32.0, lambda model: SGD(model.parameter_groups("lungs", 0.1), lr=0.1), False),
        (32.0, lambda model: Adam(model.task_parameters("lungs"), lr=0.1), False),
        (32.0, lambda model: SGD(model.layers["2"].stored("lungs").parameters(), lr=0.1), False),
        (1.0, lambda model: SGD(model.task_parameters("lungs"), lr=0.1), False),
    ],
)
def test_an_optimizer_that_would_square_it_is_warned_of_once(
    factor_step: float, make_optimizer: Any, warns: bool
) -> None:
    model = make(factor_step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_squared_steps(make_optimizer(model), nn.Sequential(model))
    assert [warning.category for warning in caught] == [SquaredStepWarning] * warns
    assert all("1024 times as far" in str(w.message) and "parameter_groups" in str(w.message) for w in caught)


def test_a_training_looks_at_its_optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(32.0)
    objective = SupervisedObjective(model, generator_parameters=model.task_parameters("lungs"))
    TrainingState(objective, TrainingOptions(epochs=1))
    monkeypatch.setattr(torch.optim, "Adam", lambda parameters, lr, **_: SGD(parameters, lr))
    with pytest.warns(SquaredStepWarning):
        TrainingState(objective, TrainingOptions(epochs=1))
