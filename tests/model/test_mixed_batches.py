"""A batch of several tasks."""

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import InputError, TaskNotFoundError


def model_of_three() -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1), nn.Tanh()
    )
    model = pg.MultiTaskGenerator(generator, "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1, init="normal")
    model.freeze_task("lungs")
    model.add_task("windows", init="normal")
    return model.eval()


def test_a_mixed_batch_gives_each_sample_its_own_channels() -> None:
    model, x = model_of_three(), torch.randn(4, 3, 8, 8)
    tasks = ["lungs", "facades", "lungs", "windows"]
    for sample, task, image in zip(model(x, task=tasks), tasks, x, strict=True):
        torch.testing.assert_close(sample, model(image[None], task=task)[0])


def test_a_mixed_batch_can_be_trained_on() -> None:
    model, x = model_of_three(), torch.randn(4, 3, 8, 8)
    model.add_task("doors", init="normal")
    tasks = ["windows", "doors", "windows", "windows"]
    gradients = []
    for mixed in (True, False):
        model.train().zero_grad()
        if mixed:
            outputs = model(x, task=tasks)
            loss = sum((output.square().sum() for output in outputs), torch.zeros(()))
        else:
            loss = model(x[[0, 2, 3]], task="windows").square().sum() + model(x[[1]], task="doors").square().sum()
        loss.backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None])
    assert len(gradients[0]) == len(model.task_parameters("windows")) + len(model.task_parameters("doors"))
    for together, apart in zip(*gradients, strict=True):
        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("tasks", "error"), [(["lungs"], InputError), (["lungs", "moon"], TaskNotFoundError), ([], InputError)]
)
def test_a_list_that_does_not_fit_the_batch_is_refused(tasks: list[str], error: type[Exception]) -> None:
    model = model_of_three()
    with pytest.raises(error):
        model(torch.zeros(2, 3, 8, 8), task=tasks)
    assert model.active_task is None


class TwoOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.conv(x), x


def test_outputs_that_are_no_tensor_cannot_be_split() -> None:
    model = pg.MultiTaskGenerator(TwoOutputs(), "facades")
    with pytest.raises(InputError, match="returns a tuple"):
        model(torch.zeros(1, 3, 8, 8), task=["facades"])
