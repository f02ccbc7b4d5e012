"""The bound on what is kept of frozen tasks."""

import copy
import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.kernel_cache import KernelCache


def test_what_was_used_longest_ago_goes_first(caplog: pytest.LogCaptureFixture) -> None:
    cache = KernelCache(max_bytes=8)
    for name in ("a", "b"):
        cache.get((name,), lambda: torch.zeros(1))
    cache.get(("a",), lambda: torch.ones(1))
    with caplog.at_level(logging.DEBUG, logger="piggygan"):
        cache.get(("c",), lambda: torch.zeros(1))
    assert [(name,) in cache for name in ("a", "b", "c")] == [True, False, True]
    assert cache.get(("a",), lambda: torch.ones(1)).item() == 0.0
    assert "dropped ('b',): over the bound of 8 bytes" in caplog.text


def test_a_tensor_over_the_bound_is_returned_and_not_kept() -> None:
    cache = KernelCache(max_bytes=4)
    assert cache.get("large", lambda: torch.ones(2)).tolist() == [1.0, 1.0]
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_lower_bound_takes_hold_at_once_and_a_negative_one_is_refused() -> None:
    cache = KernelCache(max_bytes=8)
    cache.get("a", lambda: torch.zeros(2))
    cache.max_bytes = 4
    assert cache.bytes == 0
    with pytest.raises(ConfigurationError, match="max_bytes is -1"):
        cache.max_bytes = -1


@pytest.mark.parametrize("max_bytes", [0, 20_000, 2**30])
def test_a_bound_changes_no_bit_of_any_task(max_bytes: int) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=8), "one")
    for name in ("two", "three"):
        model.freeze_task(model.tasks[-1])
        model.add_task(name, init="normal")
    model.freeze_task("three")
    model.eval()
    image = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        before = {task: model(image, task=task).numpy().tobytes() for task in model.tasks}
        model.kernel_cache.max_bytes = max_bytes
        for _ in range(2):
            for task in model.tasks:
                assert model(image, task=task).numpy().tobytes() == before[task]
    assert model.kernel_cache.bytes <= max_bytes


def test_a_copied_model_keeps_kernels_of_its_own() -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=8), "one")
    model.freeze_task("one")
    model.add_task("two")
    model.freeze_task("two")
    model.kernel_cache.max_bytes = 123_456
    model(torch.rand(1, 3, 16, 16), task="two")
    twin = copy.deepcopy(model)
    assert model.kernel_cache.bytes > 0
    assert (twin.kernel_cache.bytes, twin.kernel_cache.max_bytes) == (0, 123_456)
    caches = {id(layer.cache) for layer in twin.layers.values() if hasattr(layer, "cache")}
    assert caches == {id(twin.kernel_cache)}


def two_frozen() -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 1)), "one")
    model.freeze_task("one")
    model.add_task("two", init="normal")
    model.freeze_task("two")
    return model.eval()


def fresh(model: pg.MultiTaskGenerator, image: torch.Tensor, task: str) -> bytes:
    """Answer of a copy, which composes anew."""
    return copy.deepcopy(model)(image, task=task).detach().numpy().tobytes()


CHANGES: dict[str, Callable[[PiggybackConvolution], object]] = {
    "the task's part is loaded": lambda layer: layer.of_task("two").load_state_dict(
        {name: tensor + 0.1 for name, tensor in layer.of_task("two").state_dict().items()}
    ),
    "the held convolution is loaded": lambda layer: layer.conv.load_state_dict(
        {name: tensor + 0.1 for name, tensor in layer.conv.state_dict().items()}
    ),
    "it is loaded by replacing": lambda layer: layer.conv.load_state_dict(
        {name: tensor + 0.1 for name, tensor in layer.conv.state_dict().items()}, assign=True
    ),
    "a part is moved": lambda layer: layer.conv.half().float(),
    "a tensor is written to": lambda layer: layer.of_task("two").factors.mul_(2),  # type: ignore[union-attr]
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("trains", [False, True])
def test_what_is_kept_is_never_of_tensors_that_there_are_no_more(change: str, trains: bool) -> None:
    model, image, task = two_frozen(), torch.rand(1, 3, 8, 8), "two"
    layer = model.layers["0"]
    assert isinstance(layer, PiggybackConvolution)
    if trains:  # then a bank is kept, not a kernel
        task = "three"
        model.add_task(task)
    model(image, task=task)
    before = fresh(model, image, task)
    CHANGES[change](layer)
    now = model(image, task=task).detach().numpy().tobytes()
    assert now == fresh(model, image, task)
    if not trains:
        assert now != before


def test_other_tensors_lent_for_a_call_are_computed_with() -> None:
    model, image = two_frozen(), torch.rand(1, 3, 8, 8)
    expected = model(image, task="two")
    lent = {name: tensor * 2 for name, tensor in model.state_dict().items() if name.endswith("factors")}
    found = torch.func.functional_call(model, lent, (image,), {"task": "two"})
    assert lent
    assert not torch.equal(found, expected)
    assert torch.equal(model(image, task="two"), expected)


@pytest.mark.parametrize("task", ["two", "three"])
def test_the_gradient_of_a_lent_frozen_tensor_is_not_lost(task: str) -> None:
    model, image = two_frozen().double(), torch.rand(1, 3, 8, 8).double()
    model.add_task("three")
    model(image, task=task)
    name = "generator.0.conv.weight"

    def loss(weight: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = torch.func.functional_call(model, {name: weight}, (image,), {"task": task}).sum()
        return output

    weight = model.state_dict()[name].clone()
    slope, step = torch.func.grad(loss)(weight), torch.randn_like(weight) * 1e-6
    torch.testing.assert_close((slope * step).sum(), (loss(weight + step) - loss(weight - step)) / 2, rtol=1e-4, atol=0)
    leaf = weight.requires_grad_()
    assert torch.autograd.grad(loss(leaf), leaf)[0].abs().sum() > 0


def test_replicas_on_several_devices_compute_with_their_own_tensors() -> None:
    """As nn.DataParallel makes them: modules whose dictionaries are copied, with tensors of another device."""
    model, image = two_frozen(), torch.rand(1, 3, 8, 8)
    model.add_task("three")
    expected = {task: model(image, task=task).detach() for task in model.tasks}
    for training in (False, True):
        replica = replicated(model.train(training))
        for task in model.tasks:
            assert replica(image.to("meta"), task=task).device.type == "meta"
            assert torch.equal(model.eval()(image, task=task), expected[task])


def replicated(model: nn.Module) -> Any:
    """Do as torch.nn.parallel.replicate, which knows no devices but graphics cards'."""
    twins = {module: module._replicate_for_data_parallel() for module in model.modules()}
    for module, twin in twins.items():
        for name, child in module._modules.items():
            twin._modules[name] = None if child is None else twins[child]
        for name, tensor in [*module._parameters.items(), *module._buffers.items()]:
            setattr(twin, name, None if tensor is None else tensor.detach().to("meta"))
    return twins[model]
