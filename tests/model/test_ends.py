"""Which convolutions take the input and make the output is found out, or said not to be known."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.model.ends import IMAGES, find_ends
from piggygan.model.plan import Plan


class OutputFirst(nn.Module):
    """Registers in another order than it computes in."""

    def __init__(self) -> None:
        super().__init__()
        self.tail, self.body, self.head = nn.Conv2d(8, 3, 1), nn.Conv2d(8, 8, 1), nn.Conv2d(3, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(functional.interpolate(self.tail(self.body(self.head(x)).relu_()), scale_factor=2))


class Residual(nn.Module):
    def __init__(self, *, of_input: bool) -> None:
        super().__init__()
        self.of_input = of_input
        self.head, self.one, self.two = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3, 1), nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(x)
        return self.two(features) + (x if self.of_input else self.one(features))


class Supervised(nn.Module):
    """Has a second head in training only, and keeps what it made there in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.tail, self.head, self.deep = nn.Conv2d(8, 3, 1), nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3, 1)
        self.kept: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        features = self.head(x)
        self.kept = [self.deep(features)]
        return [self.tail(features), *self.kept] if self.training else self.tail(features)


class TwoInputs(OutputFirst):
    def forward(self, x: Tensor, scale: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x) * scale


class AsksForValues(OutputFirst):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.sum().item() > 0 else super().forward(-x)


def shuffled() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 12, 1), nn.PixelShuffle(2))


def normed() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.PReLU(), nn.Conv2d(8, 3, 1), nn.BatchNorm2d(3))


def activated() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3, 1), nn.GroupNorm(1, 3, affine=False), nn.PReLU())


def planned(generator: nn.Module) -> Plan:
    torch.manual_seed(0)
    return pg.plan(generator)


def test_the_order_of_registration_does_not_matter() -> None:
    found = planned(OutputFirst())
    assert (found.input.layer, found.output.layer) == ("head", "tail")
    model = pg.MultiTaskGenerator(OutputFirst(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", in_channels=1, out_channels=2)
    assert model(torch.zeros(1, 1, 4, 4), task="lungs").shape == (1, 2, 8, 8)
    assert (model.input_channels("facades"), model.input_channels("lungs")) == (3, 1)


FIXED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "a sum of two": (lambda: Residual(of_input=False), "the output is made by two and one"),
    "a sum with the input": (lambda: Residual(of_input=True), f"the output is made by two and {IMAGES}"),
    "a head for training": (Supervised, "the output is made by tail and deep"),
    "shuffled pixels": (shuffled, "the output has 3 channels, and 1, by which it is made, has 12"),
    "a norm at the end": (normed, "the output is made by 3"),
}


@pytest.mark.parametrize("name", FIXED)
def test_an_output_that_one_convolution_cannot_change_is_refused_when_a_task_asks(name: str) -> None:
    make, reason = FIXED[name]
    assert reason in planned(make()).output.fixed
    assert f"all tasks have the same out_channels: {reason}" in str(planned(make()))
    model = pg.MultiTaskGenerator(make(), "facades")
    model.freeze_task("facades")
    with pytest.raises(ConfigurationError, match=reason):
        model.add_task("lungs", out_channels=1)
    assert model.tasks == ("facades",)
    model.add_task("lungs")


def test_an_input_that_two_layers_take_is_refused_when_a_task_asks() -> None:
    class Forked(Residual):
        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.head(x)) * self.side(x).mean()

    forked = Forked(of_input=False)
    forked.side = nn.Conv2d(3, 3, 1)
    model = pg.MultiTaskGenerator(forked, "facades", output_layer="two")
    model.freeze_task("facades")
    with pytest.raises(ConfigurationError, match=r"the input is taken by head and side.*input_layer="):
        model.add_task("lungs", in_channels=1)


def test_activations_of_one_number_and_norms_without_any_take_any_channels() -> None:
    model = pg.MultiTaskGenerator(activated(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=2)
    assert model(torch.zeros(1, 3, 4, 4), task="lungs").shape == (1, 2, 4, 4)


@pytest.mark.parametrize("make", [TwoInputs, AsksForValues])
def test_where_nobody_knows_the_last_one_registered_counts_and_the_output_is_looked_at(
    make: type[nn.Module],
) -> None:
    found = planned(make())
    assert (found.input.layer, found.output.layer) == ("tail", "head")
    given = (torch.zeros(1, 3, 4, 4), torch.ones(1)) if make is TwoInputs else (torch.zeros(1, 3, 4, 4),)
    unknown = pg.MultiTaskGenerator(make(), "facades", output_layer="body", input_layer="head")
    unknown.freeze_task("facades")
    unknown.add_task("lungs", out_channels=8)  # body has 8 channels already: nothing would change, without a word
    with pytest.raises(ConfigurationError, match=r"makes 3: the output is not made by 'body'"):
        unknown(*given, task="lungs")
    told = pg.MultiTaskGenerator(make(), "facades", output_layer="tail", input_layer="head")
    told.freeze_task("facades")
    told.add_task("lungs", out_channels=1)
    assert told(*given, task="lungs").shape[1] == 1


def test_looking_leaves_the_generator_and_the_random_numbers_alone() -> None:
    generator = nn.Sequential(Supervised(), nn.Dropout(), nn.BatchNorm2d(3)).train()
    generator[0].eval()
    state, random = {n: t.clone() for n, t in generator.state_dict().items()}, torch.random.get_rng_state()
    layers = {name: module for name, module in generator.named_modules() if isinstance(module, nn.Conv2d)}
    find_ends(generator, layers)
    assert all(torch.equal(state[name], tensor) for name, tensor in generator.state_dict().items())
    assert torch.equal(random, torch.random.get_rng_state())
    assert [module.training for module in generator.children()] == [False, True, True]
    assert generator[0].kept == []
    assert not any(module._forward_hooks for module in generator.modules())


def test_a_generator_of_double_precision_in_inference_mode_is_looked_at_too() -> None:
    with torch.inference_mode():
        assert planned(OutputFirst().double()).output.layer == "tail"


def test_a_task_of_other_channels_comes_back_from_a_registry(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(OutputFirst(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", in_channels=1, out_channels=2)
    model.freeze_task("lungs")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task)
    assert all(check.state == "equal" for check in registry.verify(generator=OutputFirst()))
