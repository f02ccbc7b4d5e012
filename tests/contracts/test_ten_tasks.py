"""Ten tasks in a row: nothing moves, in memory, on disk, in another process."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import piggygan as pg

TASKS = [f"task-{number}" for number in range(1, 11)]


def digests(model: pg.MultiTaskGenerator, images: Tensor, task: str) -> list[str]:
    with torch.no_grad():
        output = model.eval()(images, task=task)
    stored = b"".join(tensor.numpy().tobytes() for _, tensor in sorted(model.task_tensors(task).items()))
    return [hashlib.sha256(data).hexdigest() for data in (stored, output.numpy().tobytes())]


def images_of_the_test() -> Tensor:
    return torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)


def test_ten_tasks_keep_their_bytes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=4, norm="batch", dropout=True), TASKS[0])
    registry, images = pg.TaskRegistry(tmp_path), images_of_the_test()
    optimizer = torch.optim.AdamW(model.task_parameters(TASKS[0]), lr=5e-3, weight_decay=0.1)
    expected: dict[str, list[str]] = {}
    for number, task in enumerate(TASKS):
        if number:
            model.add_task(task, draws_on=[TASKS[0]] if number == 5 else None)
            optimizer.add_param_group({"params": model.task_parameters(task)})
        model.train()
        for _ in range(2):
            optimizer.zero_grad(set_to_none=False)
            (model(images, task=task) - images.roll(number, 3)).abs().mean().backward()
            optimizer.step()
        model.freeze_task(task)
        expected[task] = digests(model, images, task)
        registry.commit(model, task)
    assert {task: digests(model, images, task) for task in TASKS} == expected
    assert len({output for _, output in expected.values()}) == 10  # they did learn ten different things

    code = (
        "import sys, json, torch; torch.set_num_threads(int(sys.argv[3])); sys.path.insert(0, sys.argv[2]);"
        "from test_ten_tasks import *; model = pg.TaskRegistry(sys.argv[1]).load();"
        "print(json.dumps({task: digests(model, images_of_the_test(), task) for task in TASKS}))"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent), str(torch.get_num_threads())]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed) == expected


@pytest.mark.parametrize(
    ("max_bank", "expected"),
    [(None, [16, 20, 24, 28, 32]), (1.5, [16, 20, 24, 24, 24]), (1, [16] * 5), (0.25, [4] * 5)],
)
def test_the_bank_grows_by_what_a_task_draws_on_up_to_the_bound(max_bank: float | None, expected: list[int]) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=8), TASKS[0])
    model.freeze_task(TASKS[0])
    for task in TASKS[1:6]:
        model.add_task(task, max_bank=max_bank, unconstrained_fraction={"*": 0.25})
        model.freeze_task(task)
    model.add_task("narrow", draws_on=[TASKS[0], TASKS[3]], max_bank=None, unconstrained_fraction={"*": 0.25})
    name = "model.model.1.model.1.factors"  # 8 -> 16, a quarter unconstrained
    assert [model.task_tensors(task)[name].shape for task in TASKS[1:6]] == [(12, n) for n in expected]
    assert model.task_tensors("narrow")[name].shape == (12, 20)
    assert model.describe_task("narrow").draws_on == (TASKS[0], TASKS[3])
