"""What a generator's forward reads of its own layers is the active task's, as if nothing had wrapped them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import piggygan as pg


class Reading(nn.Module):
    """Calls no layer, and reads all that it needs of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.norm = nn.BatchNorm2d(8)
        self.blur = nn.Linear(8, 8)
        self.tail = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.conv.in_channels:
            raise ValueError(self.conv.in_channels)
        x = functional.conv2d(x, self.conv.weight, self.conv.bias, self.conv.stride, self.conv.padding)
        x = functional.conv_transpose2d(x, self.up.weight, self.up.bias, self.up.stride)
        norm = self.norm
        x = functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        x = functional.linear(x.movedim(1, -1), self.blur.weight).movedim(-1, 1)
        x = functional.conv2d(x, self.tail.weight, self.tail.bias)
        return x.reshape(x.shape[0], self.tail.out_channels, *x.shape[2:])


class Calling(Reading):
    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.up(self.conv(x)))
        return self.tail(functional.linear(x.movedim(1, -1), self.blur.weight).movedim(-1, 1))


def model_of(kind: type[nn.Module]) -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(kind(), "facades", shared_frozen=[nn.Linear], output_layer="tail", input_layer="conv")
    model.freeze_task("facades")
    model.add_task("lungs", in_channels=1, out_channels=2)
    for parameter in model.task_parameters("lungs"):
        nn.init.normal_(parameter)
    return model.eval()


@pytest.mark.parametrize("frozen", [True, False])
def test_reading_a_layer_is_calling_it(frozen: bool) -> None:
    reading, calling = model_of(Reading), model_of(Calling)
    calling.load_task_tensors("lungs", reading.task_tensors("lungs"))
    if frozen:
        reading.freeze_task("lungs")
        calling.freeze_task("lungs")
    for task, channels in (("facades", 3), ("lungs", 1)):
        x = torch.rand(1, channels, 8, 8)
        torch.testing.assert_close(reading(x, task=task), calling(x, task=task), rtol=1e-5, atol=1e-5)
        assert torch.equal(reading.fold_task(task)(x), reading(x, task=task))


def test_gradients_reach_a_task_through_what_is_read() -> None:
    model = model_of(Reading)
    model(torch.rand(1, 1, 8, 8), task="lungs").sum().backward()
    assert all(parameter.grad is not None for parameter in model.task_parameters("lungs"))


def test_what_is_read_of_a_frozen_task_cannot_be_written_to() -> None:
    model = model_of(Reading)
    model.freeze_task("lungs")
    before = {task: model.task_tensors(task) for task in model.tasks}
    before = {task: {name: tensor.clone() for name, tensor in tensors.items()} for task, tensors in before.items()}
    with torch.no_grad():
        for task in model.tasks:
            with model.using(task):
                for layer in (model.generator.conv, model.generator.norm, model.generator.blur):
                    layer.weight.data.normal_()
                    layer.bias.add_(1.0)
                model.generator.norm.running_mean.zero_()
    for task in model.tasks:
        for name, tensor in model.task_tensors(task).items():
            assert torch.equal(tensor, before[task][name])
    x = torch.rand(1, 1, 8, 8)
    assert torch.equal(model(x, task="lungs"), model.fold_task("lungs")(x))


def test_an_attribute_that_the_module_lacks_is_missing_all_the_same() -> None:
    model = model_of(Reading)
    for layer in (model.generator.conv, model.generator.norm, model.generator.blur):
        with pytest.raises(AttributeError, match="moon"):
            _ = layer.moon


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 1)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        self.tail = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.head(x)
        return self.tail(self.layer(tokens.flatten(2).movedim(1, -1)).movedim(-1, 1).reshape(tokens.shape))


CHOICES: dict[str, Callable[[], dict[str, list[type[nn.Module]]]]] = {
    "the parts that plan names": lambda: {"per_task": list(pg.plan(Attending()).undecided)},
    "linear layers shared": lambda: {"per_task": [nn.MultiheadAttention], "shared_frozen": [nn.Linear]},
    "the layer as a whole": lambda: {"per_task": [nn.TransformerEncoderLayer]},
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_transformer_layer_in_parts_takes_its_fast_path_in_evaluation(choice: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    bare = Attending().eval()
    x = torch.rand(2, 3, 4, 4)
    with torch.no_grad():
        expected = bare(x)
    model = pg.MultiTaskGenerator(bare, "facades", **CHOICES[choice]())
    with torch.no_grad():
        assert torch.equal(model.eval()(x), expected)
    model.freeze_task("facades")
    model.add_task("lungs")
    optimizer = torch.optim.SGD(model.task_parameters("lungs"), lr=0.1)
    model.train()(x, task="lungs").square().sum().backward()
    optimizer.step()
    model.freeze_task("lungs")
    model.eval()
    registry = pg.TaskRegistry(tmp_path)
    with torch.no_grad():
        assert torch.equal(model(x, task="facades"), expected)
        assert not torch.equal(model(x, task="lungs"), expected)
        assert torch.equal(model.fold_task("lungs")(x), model(x, task="lungs"))
    for task in model.tasks:
        registry.commit(model, task, probe=x)
    assert all(check.state == "equal" for check in registry.verify(generator=Attending()))
