"""Whatever surrounds a call, the next step is the same by every way of computing it; and autocast of the step itself.

That outputs, folded networks and starts are the same is in test_contexts.py.
"""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import piggygan as pg
from piggygan.layers.ways.compute import Way
from piggygan.layers.ways.shared_calls import calls_of_one_step
from tests.contracts.rounding import of_tasks
from tests.contracts.runners import RUNNERS

around = pytest.mark.parametrize("name", RUNNERS)
IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


def bytes_of(tensors: Iterator[Tensor] | list[Tensor]) -> list[bytes]:
    return [tensor.detach().numpy().tobytes() for tensor in tensors]


def answers(model: pg.MultiTaskGenerator) -> list[bytes]:
    with torch.no_grad():
        return bytes_of([model.eval()(IMAGES, task=task) for task in model.tasks])


@around
@pytest.mark.parametrize("way", ["filters", "features", "unfolded", "crossed"])
def test_a_task_frozen_there_can_be_drawn_on(name: str, way: Way) -> None:
    model = of_tasks(1, frozen=False)
    RUNNERS[name](lambda: model.freeze_task("task1"))
    model.add_task("new", unconstrained_fraction={"*": 0.25})
    model.costs.forced = way
    model.train()(IMAGES, task="new").sum().backward()
    assert answers(model)[0] == answers(of_tasks(1))[0]


@around
@pytest.mark.parametrize("way", ["filters", "features", "unfolded", "crossed"])
def test_validating_before_the_first_step_changes_no_bit_of_it(name: str, way: Way) -> None:
    def validate(model: pg.MultiTaskGenerator) -> None:
        with torch.no_grad():
            model.eval()(IMAGES, task="task4")

    gradients = []
    for validated in (False, True):
        model = of_tasks(4, frozen=False)
        model.costs.forced = way
        if validated:
            RUNNERS[name](lambda model=model: validate(model))  # type: ignore[misc]
        model.train()(IMAGES, task="task4").square().sum().backward()
        gradients.append([p.grad.numpy().tobytes() for p in model.task_parameters("task4") if p.grad is not None])
    assert gradients[0] == gradients[1]


def test_a_kernel_composed_in_a_backward_pass_under_autocast_is_in_full_precision() -> None:
    gradients = []
    for runner in (RUNNERS["nothing"], RUNNERS["autocast"]):
        model = of_tasks(3, frozen=False).train()
        model.costs.forced = "crossed"
        with calls_of_one_step(2):
            loss = torch.stack([model(IMAGES, task="task3").square().sum() for _ in range(2)]).sum()
            runner(loss.backward)  # type: ignore[arg-type]
        gradients.append([p.grad.numpy().tobytes() for p in model.task_parameters("task3") if p.grad is not None])
    assert gradients[0] == gradients[1]


def test_autocast_of_the_call_itself_works_in_training_and_evaluation() -> None:
    model = of_tasks(3, frozen=False)
    with torch.autocast("cpu", torch.bfloat16):
        trained = model.train()(IMAGES, task="task3")
        seen = model.eval()(IMAGES, task="task3")
    assert (trained.dtype, seen.dtype) == (torch.bfloat16, torch.bfloat16)
    trained.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.task_parameters("task3"))
    with torch.autocast("cpu", torch.bfloat16):  # the kernel is composed alike before and after
        model.freeze_task("task3")
        assert torch.equal(model.eval()(IMAGES, task="task3"), seen)


def test_autocast_leaves_double_precision_alone_as_it_does_in_torch() -> None:
    model = of_tasks(3, frozen=False).double()
    with torch.autocast("cpu", torch.bfloat16):
        assert model.train()(IMAGES.double(), task="task3").dtype == torch.float64
