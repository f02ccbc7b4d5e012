"""Whatever surrounds a call, what is kept of it is the same: contexts that nobody here likes, times all that tasks do.

Each pair runs one action inside one context, on a model of its own, and then asks outside: are the frozen tasks the
bits that they were, does the registry hold what it should, can a new task learn?
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from tests.contracts.rounding import of_tasks
from tests.contracts.runners import RUNNERS, Action

AROUND = (*RUNNERS, "another task selected")
NO_LEARNING = ("inference mode", "no gradients")


def around(name: str, model: pg.MultiTaskGenerator, action: Action) -> Any:
    if name == "another task selected":
        with model.using(model.tasks[0]):
            return action()
    return RUNNERS[name](action)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def three_tasks() -> pg.MultiTaskGenerator:
    """Facades and lungs are frozen, hearts learn."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, norm="batch"), "facades")
    for number, task in enumerate(("facades", "lungs", "hearts")):
        if number:
            model.add_task(task)
        with torch.no_grad():
            for parameter in model.task_parameters(task):
                parameter.add_(0.02 * torch.randn(parameter.shape))
        if task != "hearts":
            model.freeze_task(task)
    return model.eval()


MODELS: dict[str, Callable[[], pg.MultiTaskGenerator]] = {
    "U-Net": three_tasks,
    "large numbers": lambda: of_tasks(4, frozen=False),
}
of_both = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def outputs(model: pg.MultiTaskGenerator, images: Tensor) -> dict[str, bytes]:
    with torch.no_grad():
        return {task: model.eval()(images, task=task).numpy().tobytes() for task in model.tasks if task != "doors"}


def learns(model: pg.MultiTaskGenerator, task: str, images: Tensor) -> bool:
    before = [parameter.detach().clone() for parameter in model.task_parameters(task)]
    optimizer = torch.optim.Adam(model.task_parameters(task), lr=1e-2)
    model.train()(images, task=task).square().mean().backward()
    optimizer.step()
    assert all(parameter.grad is not None for parameter in model.task_parameters(task))
    pairs = zip(before, model.task_parameters(task), strict=True)
    return all(not torch.equal(one, other) for one, other in pairs if one.dim() > 1)


@of_both
@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("graph", [True, False])
def test_evaluation_leaves_every_later_output_its_bits(
    make: Callable[[], pg.MultiTaskGenerator], name: str, graph: bool, images: Tensor
) -> None:
    model, expected = make(), outputs(make(), images)

    def evaluate(task: str) -> None:
        with torch.set_grad_enabled(graph and torch.is_grad_enabled()):
            model(images, task=task)

    for task in model.tasks:
        around(name, model, lambda task=task: evaluate(task))  # type: ignore[misc]
    assert outputs(model, images) == expected
    assert learns(model, model.tasks[-1], images)


@of_both
@pytest.mark.parametrize("name", AROUND)
def test_a_folded_task_has_its_bits_wherever_it_was_folded(
    make: Callable[[], pg.MultiTaskGenerator], name: str, images: Tensor
) -> None:
    model, undisturbed, expected = make(), make(), outputs(make(), images)
    for task in model.tasks:
        plain: nn.Module = around(name, model, lambda task=task: model.fold_task(task))  # type: ignore[misc]
        pairs = zip(plain.parameters(), undisturbed.fold_task(task).parameters(), strict=True)
        assert all(one.detach().numpy().tobytes() == other.detach().numpy().tobytes() for one, other in pairs)
        with torch.no_grad():
            assert plain.eval()(images).numpy().tobytes() == expected[task]
        plain.train()(images).sum().backward()  # and it is an ordinary network, which learns
    assert outputs(model, images) == expected


@of_both
@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("chosen", [{"start_from": 1, "max_bank": 0.5}, {"max_bank": None}, {"max_bank": 1.0}], ids=str)
def test_a_task_added_anywhere_starts_alike_and_learns(
    make: Callable[[], pg.MultiTaskGenerator], name: str, chosen: dict[str, Any], images: Tensor
) -> None:
    model, undisturbed, expected = make(), make(), outputs(make(), images)
    options = {key: model.tasks[value] if key == "start_from" else value for key, value in chosen.items()}
    around(name, model, lambda: model.add_task("doors", **options))
    undisturbed.add_task("doors", **options)
    for name, tensor in undisturbed.task_tensors("doors").items():
        assert model.task_tensors("doors")[name].numpy().tobytes() == tensor.numpy().tobytes()
    assert learns(model, "doors", images)
    assert outputs(model, images) == expected


@pytest.mark.parametrize("name", AROUND)
def test_a_task_frozen_anywhere_keeps_its_bits(name: str, images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    around(name, model, lambda: model.freeze_task("hearts"))
    assert outputs(model, images) == expected
    model.add_task("doors")
    assert learns(model, "doors", images)
    model.check_frozen()
    assert outputs(model, images) == expected


@pytest.mark.parametrize("name", [name for name in AROUND if name not in NO_LEARNING])
def test_a_step_anywhere_moves_the_task_alone(name: str, images: Tensor) -> None:
    if name == "default device meta":
        pytest.skip("Adam makes its own state on the default device")
    model, expected = three_tasks(), outputs(three_tasks(), images)
    assert around(name, model, lambda: learns(model, "hearts", images))
    model.check_frozen()
    now = outputs(model, images)
    assert {task: now[task] for task in ("facades", "lungs")} == {task: expected[task] for task in ("facades", "lungs")}
    assert now["hearts"] != expected["hearts"]


@pytest.mark.parametrize("name", AROUND)
def test_what_is_committed_loaded_and_verified_anywhere_is_what_it_was(
    name: str, images: Tensor, tmp_path: Path
) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    model.freeze_task("hearts")
    registry = pg.TaskRegistry(tmp_path / "registry")
    for task in model.tasks:
        around(name, model, lambda task=task: registry.commit(model, task))  # type: ignore[misc]
    assert [check.state for check in registry.verify()] == ["equal"] * 3
    assert [check.state for check in around(name, model, registry.verify)] == ["equal"] * 3
    assert outputs(around(name, model, registry.load), images) == expected
    assert outputs(registry.load(), images) == expected


@pytest.mark.parametrize("name", AROUND)
def test_a_view_made_anywhere_is_its_task(name: str, images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    view = around(name, model, lambda: model.view("lungs"))
    with torch.no_grad():
        assert view(images).numpy().tobytes() == expected["lungs"]
    around(name, model, lambda: view(images))
    assert outputs(model, images) == expected


def test_a_compiled_step_moves_the_task_alone(images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    compiled = torch.compile(model.view("hearts").train(), backend="aot_eager")
    optimizer = torch.optim.Adam(model.task_parameters("hearts"), lr=1e-2)
    compiled(images).square().mean().backward()
    optimizer.step()
    now = outputs(model, images)
    assert {task: now[task] for task in ("facades", "lungs")} == {task: expected[task] for task in ("facades", "lungs")}
    assert now["hearts"] != expected["hearts"]


def test_two_threads_train_two_tasks_of_one_model(images: Tensor) -> None:
    model = three_tasks()
    model.add_task("doors")
    alone = three_tasks()
    alone.add_task("doors")
    assert learns(alone, "hearts", images)
    assert learns(alone, "doors", images)
    threads = [threading.Thread(target=learns, args=(model, task, images)) for task in ("hearts", "doors")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for task in ("hearts", "doors"):
        with torch.no_grad():
            torch.testing.assert_close(model.eval()(images, task=task), alone.eval()(images, task=task))
