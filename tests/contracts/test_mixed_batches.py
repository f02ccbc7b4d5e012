"""Invariant 8: a mixed batch equals the tasks run one by one."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import piggygan as pg


def test_a_mixed_batch_equals_the_tasks_one_by_one(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "facades").double().eval()
    model.freeze_task("facades")
    for task, channels in (("lungs", 1), ("windows", None)):
        model.add_task(task, out_channels=channels)
        for parameter in model.task_parameters(task):
            with torch.no_grad():
                parameter.add_(torch.randn_like(parameter) * 0.05)
        model.freeze_task(task)
    x = images.double()
    tasks = ["lungs", "facades", "windows", "lungs"]
    with torch.no_grad():
        together = model(x, task=tasks)
        for sample, task, image in zip(together, tasks, x, strict=True):
            torch.testing.assert_close(sample, model(image[None], task=task)[0], rtol=1e-9, atol=1e-11)
        for task in set(tasks):  # and to the bit, as a batch of their own
            places = [place for place, other in enumerate(tasks) if other == task]
            assert torch.equal(torch.stack([together[place] for place in places]), model(x[places], task=task))
