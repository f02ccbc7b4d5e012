"""Invariant 3: all ways to compute a layer agree, outputs and all gradients."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.layers.ways.compute import Way

WAYS: tuple[Way, ...] = get_args(Way)
CONVOLUTIONS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Conv2d(4, 8, 3, padding=1),
    "strided, no bias": lambda: nn.Conv2d(4, 8, 4, stride=2, padding=1, bias=False),
    "reflected, dilated": lambda: nn.Conv2d(4, 8, 3, padding=2, dilation=2, padding_mode="reflect"),
    "grouped": lambda: nn.Conv2d(4, 8, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1),
    "transposed, grouped": lambda: nn.ConvTranspose2d(4, 8, 4, stride=2, groups=2),
}


def results(module: Callable[[Tensor], Tensor], parameters: list[nn.Parameter], x: Tensor) -> list[Tensor]:
    for tensor in (x, *parameters):
        tensor.grad = None
    output = module(x)
    weight = torch.randn(output.shape, dtype=output.dtype, generator=torch.Generator().manual_seed(3))
    (output * weight).sum().backward()
    return [output.detach(), *(tensor.grad.clone() for tensor in (x, *parameters) if tensor.grad is not None)]


@pytest.mark.parametrize("fraction", [0.0, 0.25])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_layer_computes_the_same_every_way(kind: str, fraction: float) -> None:
    conv = CONVOLUTIONS[kind]().double()
    layer = (pg.PiggybackConvTranspose2d if isinstance(conv, nn.ConvTranspose2d) else pg.PiggybackConv2d)(conv)
    layer.freeze_task("base")
    for task in ("second", "third"):
        layer.add_task(task, unconstrained_fraction=fraction)
        for parameter in layer.stored(task).parameters():
            nn.init.normal_(parameter)
        if task == "second":
            layer.freeze_task(task)
    x = torch.randn(3, 4, 9, 9, dtype=torch.float64, requires_grad=True)
    found = {}
    for way in WAYS:
        layer.costs.forced = way
        with layer.selection.using("third"):
            found[way] = results(layer, list(layer.stored("third").parameters()), x)
    assert len(found["filters"]) == 2 + len(layer.tensors("third"))
    for by_filters, *others in zip(*found.values(), strict=True):
        for other in others:
            torch.testing.assert_close(other, by_filters, rtol=1e-10, atol=1e-10)


def test_a_generator_computes_the_same_every_way(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "facades").double()
    model.freeze_task("facades")
    model.add_task("lungs")
    for parameter in model.task_parameters("lungs"):
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = images.double().requires_grad_()
    found = {}
    for way in WAYS:
        model.costs.forced = way
        with model.using("lungs"):
            found[way] = results(model, model.task_parameters("lungs"), x)
    for by_filters, *others in zip(*found.values(), strict=True):
        scale = by_filters.abs().max().item()
        for other in others:
            torch.testing.assert_close(other, by_filters, rtol=1e-10, atol=1e-10 * max(scale, 1.0))


def test_evaluation_always_composes_filters() -> None:
    layer = pg.PiggybackConv2d(nn.Conv2d(4, 8, 3))
    layer.freeze_task("base")
    layer.add_task("second")
    layer.costs.forced = "features"
    x = torch.randn(1, 4, 8, 8)
    expected = nn.functional.conv2d(x, layer.kernel("second"), layer.bias_of("second"))
    with layer.selection.using("second"):
        assert layer.eval()(x).detach().numpy().tobytes() == expected.detach().numpy().tobytes()
        with torch.no_grad():
            assert layer.train()(x).numpy().tobytes() == expected.detach().numpy().tobytes()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_d10_every_way_works_in_mixed_precision(kind: str, way: Way) -> None:
    conv = CONVOLUTIONS[kind]()
    layer = (pg.PiggybackConvTranspose2d if isinstance(conv, nn.ConvTranspose2d) else pg.PiggybackConv2d)(conv)
    layer.freeze_task("base")
    layer.add_task("second")
    layer.costs.forced = way
    parameters = list(layer.stored("second").parameters())
    x = torch.randn(3, 4, 9, 9, requires_grad=True)
    with layer.selection.using("second"):
        exact = results(layer, parameters, x)
        with torch.autocast("cpu", torch.bfloat16):
            output = layer(x)
        assert output.dtype == torch.bfloat16
        weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(3))
        for tensor in (x, *parameters):
            tensor.grad = None
        (output.float() * weight).sum().backward()
    rough = [output.detach().float(), *(tensor.grad for tensor in (x, *parameters))]
    for one, other in zip(exact, rough, strict=True):
        assert other is not None
        assert other.dtype == torch.float32
        torch.testing.assert_close(other, one, rtol=0.05, atol=0.05 * one.abs().max().item())


def trained_layer(kind: str) -> pg.PiggybackConv2d | pg.PiggybackConvTranspose2d:
    conv = CONVOLUTIONS[kind]().double()
    layer = (pg.PiggybackConvTranspose2d if isinstance(conv, nn.ConvTranspose2d) else pg.PiggybackConv2d)(conv)
    layer.freeze_task("base")
    layer.add_task("second", init="normal", factor_step=1.0)
    return layer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_graph_of_gradients_can_be_made_every_way(kind: str, way: Way) -> None:
    """As a penalty on gradients needs it (Gulrajani et al. 2017): the gradient of a gradient."""
    layer = trained_layer(kind)
    layer.costs.forced = way
    parameters = list(layer.stored("second").parameters())
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True)

    def second_order(compute: Callable[[Tensor], Tensor]) -> list[Tensor]:
        slopes = torch.autograd.grad(compute(x).sin().sum(), [x, *parameters], create_graph=True)
        return list(torch.autograd.grad(sum(slope.square().sum() for slope in slopes), [x, *parameters]))

    with layer.selection.using("second"):
        found = second_order(layer)
        # evaluation composes filters by torch's own functions, whose derivatives torch's own tests check
        expected = second_order(layer.eval())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("way", WAYS)
def test_the_gradient_of_a_gradient_is_that_of_finite_differences(way: Way) -> None:
    layer = trained_layer("plain")
    layer.costs.forced = way
    x = torch.randn(1, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    factors = layer.of_task("second").scaled_factors  # by 1: as they are
    assert factors is not None

    def compute(features: Tensor, mixed: Tensor) -> Tensor:
        parameters = {"by_task.task_second.scaled_factors": mixed}
        output: Tensor = torch.func.functional_call(layer, parameters, (features,))
        return output.sin()

    with layer.selection.using("second"):
        assert torch.autograd.gradgradcheck(compute, (x, factors))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_an_empty_batch_gives_an_empty_batch_every_way(kind: str, way: Way) -> None:
    layer = trained_layer(kind)
    layer.costs.forced = way
    x = torch.zeros(0, 4, 9, 9, dtype=torch.float64, requires_grad=True)
    with layer.selection.using("second"):
        output = layer(x)
        assert output.shape == layer.eval()(x).shape
    output.sum().backward()
    assert x.grad is not None
    assert all(p.grad is not None and p.grad.abs().sum() == 0 for p in layer.stored("second").parameters())


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["plain", "transposed", "grouped"])
def test_a_training_step_compiles_every_way(kind: str, way: Way) -> None:
    conv = CONVOLUTIONS[kind]()
    layer = (pg.PiggybackConvTranspose2d if isinstance(conv, nn.ConvTranspose2d) else pg.PiggybackConv2d)(conv)
    layer.freeze_task("base")
    layer.add_task("second")
    layer.costs.forced = way
    parameters = list(layer.stored("second").parameters())
    x = torch.randn(3, 4, 9, 9, requires_grad=True)
    with layer.selection.using("second"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.compile imports parts of torch that are deprecated
        plain = results(layer, parameters, x)
        torch.compiler.reset()
        # A graph of one layer alone cannot read which task is selected around it: the task is named, as a view does.
        named = torch.compile(partial(layer.compute_task, "second", True), fullgraph=True)
        compiled = results(named, parameters, x)
    for one, other in zip(plain, compiled, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-3)
