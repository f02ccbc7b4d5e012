"""Whatever surrounds a call, what is kept of it is the same: contexts that nobody here likes, times all that tasks do.

Each pair runs one action inside one context, on a model of its own, and then asks outside: are the frozen tasks the
bits that they were, does the registry hold what it should, can a new task learn?
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg

Action = Callable[[], Any]
Runner = Callable[[Action], Any]


def inside(context: Callable[[], Any]) -> Runner:
    def run(action: Action) -> Any:
        with context():
            return action()

    return run


@contextmanager
def default_dtype() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def in_a_thread(action: Action) -> Any:
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(action())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def in_a_coroutine(action: Action) -> Any:
    async def work() -> Any:
        await asyncio.sleep(0)
        return action()

    async def beside_another() -> Any:
        result, _ = await asyncio.gather(work(), asyncio.sleep(0))
        return result

    return asyncio.run(beside_another())


RUNNERS: dict[str, Runner] = {
    "nothing": lambda action: action(),
    "autocast": inside(lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "inference mode": inside(torch.inference_mode),
    "no gradients": inside(torch.no_grad),
    "default dtype float64": inside(default_dtype),
    "default device meta": inside(lambda: torch.device("meta")),
    "deterministic algorithms": inside(deterministic),
    "a thread": in_a_thread,
    "a coroutine": in_a_coroutine,
    "another task selected": lambda action: action(),  # see around()
}
NO_LEARNING = ("inference mode", "no gradients")


def around(name: str, model: pg.MultiTaskGenerator, action: Action) -> Any:
    if name == "another task selected":
        with model.using("facades"):
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


def outputs(model: pg.MultiTaskGenerator, images: Tensor) -> dict[str, bytes]:
    with torch.no_grad():
        return {task: model.eval()(images, task=task).numpy().tobytes() for task in ("facades", "lungs", "hearts")}


def learns(model: pg.MultiTaskGenerator, task: str, images: Tensor) -> bool:
    before = [parameter.detach().clone() for parameter in model.task_parameters(task)]
    optimizer = torch.optim.Adam(model.task_parameters(task), lr=1e-2)
    model.train()(images, task=task).square().mean().backward()
    optimizer.step()
    pairs = zip(before, model.task_parameters(task), strict=True)
    return all(not torch.equal(one, other) for one, other in pairs if one.dim() > 1)


@pytest.mark.parametrize("name", RUNNERS)
def test_evaluation_leaves_every_later_output_its_bits(name: str, images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    for task in model.tasks:
        around(name, model, lambda task=task: model(images, task=task))  # type: ignore[misc]
    assert outputs(model, images) == expected
    assert learns(model, "hearts", images)


@pytest.mark.parametrize("name", RUNNERS)
def test_a_folded_task_has_its_bits_wherever_it_was_folded(name: str, images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    for task in model.tasks:
        plain: nn.Module = around(name, model, lambda task=task: model.fold_task(task))  # type: ignore[misc]
        with torch.no_grad():
            assert plain.eval()(images).numpy().tobytes() == expected[task]
        plain(images).sum().backward()  # and it is an ordinary network, which learns
    assert outputs(model, images) == expected


@pytest.mark.parametrize("name", RUNNERS)
def test_a_task_added_anywhere_starts_alike_and_learns(name: str, images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    around(name, model, lambda: model.add_task("doors", start_from="lungs"))
    undisturbed = three_tasks()
    undisturbed.add_task("doors", start_from="lungs")
    for name, tensor in undisturbed.task_tensors("doors").items():
        assert model.task_tensors("doors")[name].numpy().tobytes() == tensor.numpy().tobytes()
    assert learns(model, "doors", images)
    assert outputs(model, images) == expected


@pytest.mark.parametrize("name", RUNNERS)
def test_a_task_frozen_anywhere_keeps_its_bits(name: str, images: Tensor) -> None:
    model, expected = three_tasks(), outputs(three_tasks(), images)
    around(name, model, lambda: model.freeze_task("hearts"))
    assert outputs(model, images) == expected
    model.add_task("doors")
    assert learns(model, "doors", images)
    model.check_frozen()
    assert outputs(model, images) == expected


@pytest.mark.parametrize("name", [name for name in RUNNERS if name not in NO_LEARNING])
def test_a_step_anywhere_moves_the_task_alone(name: str, images: Tensor) -> None:
    if name == "default device meta":
        pytest.skip("Adam makes its own state on the default device")
    model, expected = three_tasks(), outputs(three_tasks(), images)
    assert around(name, model, lambda: learns(model, "hearts", images))
    model.check_frozen()
    now = outputs(model, images)
    assert {task: now[task] for task in ("facades", "lungs")} == {task: expected[task] for task in ("facades", "lungs")}
    assert now["hearts"] != expected["hearts"]


@pytest.mark.parametrize("name", RUNNERS)
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


@pytest.mark.parametrize("name", RUNNERS)
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
