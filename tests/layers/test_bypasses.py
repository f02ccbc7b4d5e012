"""What would go around a wrapper is refused by the attribute's name."""

import functools
import types
import weakref
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import UnsupportedModuleError
from piggygan.model.plan import plan


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()), nn.BatchNorm2d(3))


def closure(module: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda x: module(x)


def wrapped_twice(generator: nn.Module) -> object:
    return nn.Sequential(nn.ReLU(), generator[0])  # type: ignore[index]


def box(module: nn.Module) -> object:
    return SimpleNamespace(inside={"deep": (module,)})


def keyword(module: nn.Module) -> object:
    def run(x: Tensor, *, layer: nn.Module = module) -> Tensor:
        return layer(x)

    return run


def attribute(module: nn.Module) -> object:
    def run(x: Tensor) -> Tensor:
        return run.layer(x)

    run.layer = module
    return run


class Slotted:
    __slots__ = ("layer",)

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer


HELD: dict[str, tuple[Callable[[nn.Sequential], object], str]] = {
    "a list": (lambda g: [g[0]], r"held\[0\] holds 0"),
    "a list inside a dict": (lambda g: {"a": [g[1], g[0]]}, r"held\['a'\]\[1\] holds 0"),
    "a tuple": (lambda g: (nn.ReLU(), g[2]), r"held\[1\] holds 2"),
    "a partial": (lambda g: functools.partial(torch.add, g[0]), r"held\.args\[0\] holds 0"),
    "a method": (lambda g: g[0].forward, r"held\.__self__ holds 0"),
    "a closure": (lambda g: closure(g[1][0]), r"held \(module in its closure\) holds 1\.0"),
    "a default": (lambda g: keyword(g[0]), r"held \(default layer\) holds 0"),
    "an attribute of a function": (lambda g: attribute(g[0]), r"held\.layer holds 0|held \(run in its closure\)"),
    "a cached function": (lambda g: functools.lru_cache(closure(g[0])), r"held\.__wrapped__ \(module in its closure\)"),
    "a weak reference": (lambda g: weakref.ref(g[0]), r"held\(\) holds 0"),
    "slots": (lambda g: Slotted(g[0]), r"held\.layer holds 0"),
    "an object": (lambda g: box(g[2]), r"held\.inside\['deep'\]\[0\] holds 2"),
    "a module that nobody registered": (lambda g: [wrapped_twice(g)], r"held\[0\] holds 0"),
    "its weight": (lambda g: [g[0].weight], r"held\[0\] holds 0\.weight of the base task"),
    "its running mean": (lambda g: [g[2].running_mean], r"held\[0\] holds 2\.running_mean of the base task"),
    "a layer that nobody registered": (
        lambda _: [nn.Conv2d(3, 3, 1)],
        r"held\[0\] is a Conv2d that is learned but not",
    ),
    "a parameter that nobody registered": (lambda _: [nn.Parameter(torch.ones(1))], r"held\[0\] is learned but not"),
}


@pytest.mark.parametrize("how", HELD)
def test_what_holds_a_wrapped_module_too_is_refused(how: str) -> None:
    make, message = HELD[how]
    generator = small()
    generator.held = make(generator)  # type: ignore[arg-type]
    before = dict(generator.named_modules())
    with pytest.raises(UnsupportedModuleError, match=message):
        pg.MultiTaskGenerator(generator, "facades")
    assert dict(generator.named_modules()) == before


HARMLESS: dict[str, Callable[[nn.Sequential], object]] = {
    "a list of blocks, whose own layers are replaced where they are": lambda g: [g[1]],
    "a block's method": lambda g: g[1].forward,
    "the generator itself": lambda g: (g,),
    "a fixed network that a state dict is not to have": lambda _: [nn.Linear(2, 2).requires_grad_(False)],
    "a class, a function and numbers": lambda _: [nn.Conv2d, torch.relu, {"a": 1}, torch.ones(2)],
}


@pytest.mark.parametrize("how", HARMLESS)
def test_what_does_no_harm_is_let_pass(how: str) -> None:
    generator = small()
    generator.held = HARMLESS[how](generator)  # type: ignore[arg-type]
    assert plan(generator).is_possible


class OfItsClass(nn.Module):
    activation = nn.PReLU()

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.conv(x))


def test_a_learned_module_of_a_class_is_refused() -> None:
    assert plan(OfItsClass()).refusals[0].startswith("activation is a PReLU that is learned but not registered")


class Whole(nn.Module):
    """Goes around the tree inside itself only: a copy is a copy of all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)
        self.stages = [self.one, self.two]

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return x


def test_a_list_inside_of_what_is_copied_as_a_whole_is_copied_with_it() -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 3, 1), Whole()), "facades", per_task=[Whole])
    model.freeze_task("facades")
    model.add_task("lungs")
    x = torch.rand(1, 3, 8, 8)
    before = model(x, task="facades")
    optimizer = torch.optim.SGD(model.task_parameters("lungs"), lr=1.0)
    model(x, task="lungs").sum().backward()
    optimizer.step()
    assert torch.equal(model(x, task="facades"), before)
    assert not torch.equal(model(x, task="lungs"), before)
    with pytest.raises(UnsupportedModuleError, match=r"1\.stages\[0\] holds 1\.one"):
        pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 3, 1), Whole()), "facades", per_task=["1.one", "1.two"])


def circular(_: nn.Module, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return nn.functional.conv2d(nn.functional.pad(x, (1, 1, 1, 1), "circular"), weight, bias)


PATCHES: dict[str, Callable[[nn.Sequential], None]] = {
    "0 has a _conv_forward": lambda g: setattr(g[0], "_conv_forward", types.MethodType(circular, g[0])),
    "0 has a forward": lambda g: setattr(g[0], "forward", lambda x: x),
    "2 has a forward": lambda g: setattr(g[2], "forward", lambda x, norm=g[2]: x * norm.weight[0]),
    "1.0 has a forward": lambda g: setattr(g[1][0], "forward", types.MethodType(lambda _, x: x, g[1][0])),
}


@pytest.mark.parametrize("message", PATCHES)
def test_a_layer_that_was_patched_on_one_instance_is_refused_by_name(message: str) -> None:
    generator = small()
    PATCHES[message](generator)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModuleError, match=f"{message} put on this one instance"):
        pg.MultiTaskGenerator(generator, "facades")
    with pytest.raises(UnsupportedModuleError, match="forward put on this one instance"):
        pg.PiggybackConv2d(patched_alone())


def patched_alone() -> nn.Module:
    conv = nn.Conv2d(3, 3, 1)
    conv.forward = lambda x: x  # type: ignore[method-assign,assignment]
    return conv


def test_a_patched_module_inside_of_what_is_copied_is_refused_too() -> None:
    whole = Whole()
    whole.two.forward = lambda x: x  # type: ignore[method-assign,assignment]
    with pytest.raises(UnsupportedModuleError, match="1 has a forward put on this one instance in its two"):
        pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 3, 1), whole), "facades", per_task=[Whole])
