"""A batch of several tasks in one pass."""

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan import layers
from piggygan.errors import InputError, TaskNotFoundError
from piggygan.mixed import compute_by_task, put_back


def test_samples_come_back_in_their_order() -> None:
    samples = torch.arange(5.0)[:, None, None, None]
    factor = {"one": 1.0, "ten": 10.0}
    result = compute_by_task(("ten", "one", "ten", "one", "one"), samples, lambda task, part: part * factor[task])
    assert result.flatten().tolist() == [0.0, 1.0, 20.0, 3.0, 4.0]


def test_missing_channels_are_zeros() -> None:
    parts = [(torch.ones(1, 3, 1, 1), [1]), (torch.ones(1, 1, 1, 1) * 2, [0])]
    assert put_back(parts).flatten(1).tolist() == [[2.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shares", [False, True])
def test_a_layer_computes_each_sample_by_its_own_task(
    transposed: bool, groups: int, shares: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "sharing_pays", lambda **_: shares)
    layer: pg.PiggybackConv2d | pg.PiggybackConvTranspose2d
    if transposed:
        layer = pg.PiggybackConvTranspose2d(nn.ConvTranspose2d(4, 8, 3, stride=2, groups=groups)).double()
    else:
        layer = pg.PiggybackConv2d(nn.Conv2d(4, 8, 3, groups=groups)).double()
    layer.freeze_task("base")
    for task, fraction in (("second", 0.25), ("third", 0.5), ("pure", 0.0), ("training", 0.25)):
        layer.add_task(task, unconstrained_fraction=fraction, init="normal")
        for parameter in layer.stored(task).parameters():
            nn.init.normal_(parameter)
        if task != "training":
            layer.freeze_task(task)
    tasks = ("third", "base", "training", "second", "third", "pure")
    x = torch.randn(6, 4, 7, 7, dtype=torch.float64)
    with layer.selection.using(tasks):
        together = layer(x)
    for place, task in enumerate(tasks):
        with layer.selection.using(task):
            torch.testing.assert_close(together[place : place + 1], layer(x[place : place + 1]), rtol=1e-10, atol=1e-10)


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
    assert model.active_task == "facades"


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
