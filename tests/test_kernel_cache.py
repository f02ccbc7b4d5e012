"""The bound on what is kept of frozen tasks."""

import copy
import logging

import pytest
import torch

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.kernel_cache import KernelCache


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
