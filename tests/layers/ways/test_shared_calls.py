"""Calls of one step share a kernel: composed once, and nothing else changes."""

import asyncio
import threading
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError
from piggygan.layers.convolutions import PiggybackConv2d, PiggybackConvolution, PiggybackConvTranspose2d
from piggygan.layers.ways import compute as ways
from piggygan.layers.ways.compute import Way
from piggygan.layers.ways.shared_calls import calls_of_one_step, current_step

CONVOLUTIONS = {
    "plain": lambda: PiggybackConv2d(nn.Conv2d(4, 6, 3, padding=1), "base"),
    "transposed": lambda: PiggybackConvTranspose2d(nn.ConvTranspose2d(4, 6, 4, 2, 1), "base"),
}


@pytest.fixture(params=CONVOLUTIONS)
def layer(request: pytest.FixtureRequest) -> PiggybackConvolution:
    made: PiggybackConvolution = CONVOLUTIONS[request.param]().double()
    made.freeze_task("base")
    made.add_task("new", unconstrained_fraction=0.5)
    with torch.no_grad():
        for parameter in made.of_task("new").parameters():
            parameter.add_(torch.randn_like(parameter))
    return made.train()


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Notes every composition, and whether gradients were recorded."""
    notes: list[bool] = []
    compose = ways._whole_kernel

    def noted(*arguments: Any) -> Tensor:
        notes.append(torch.is_grad_enabled())
        return compose(*arguments)

    monkeypatch.setattr(ways, "_whole_kernel", noted)
    return notes


def there_and_back(layer: PiggybackConvolution, images: list[Tensor]) -> list[Tensor]:
    """Call a layer on several images, and return all gradients of one backward pass."""
    wanted = [*images, *layer.of_task("new").parameters()]
    with layer.selection.using("new"):
        outputs = [layer(image).sin().sum() for image in images]
    return list(torch.autograd.grad(torch.stack(outputs).sum(), wanted))


def three_images() -> list[Tensor]:
    return [torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True) for _ in range(3)]


@pytest.mark.parametrize("way", get_args(Way))
def test_sharing_changes_no_gradient(layer: PiggybackConvolution, way: Way) -> None:
    layer.costs.forced = way
    images = three_images()
    alone = there_and_back(layer, images)
    with calls_of_one_step(3):
        together = there_and_back(layer, images)
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize(("way", "recorded"), [("filters", True), ("crossed", False)])
def test_a_kernel_is_composed_once_a_step(
    layer: PiggybackConvolution, way: Way, recorded: bool, composed: list[bool]
) -> None:
    layer.costs.forced = way
    there_and_back(layer, three_images())
    assert composed == [recorded] * 3
    composed.clear()
    with calls_of_one_step(3):
        there_and_back(layer, three_images())
    assert composed == [recorded]


def test_the_backward_pass_may_come_after_the_block(layer: PiggybackConvolution, composed: list[bool]) -> None:
    layer.costs.forced = "crossed"
    images = three_images()
    with calls_of_one_step(3), layer.selection.using("new"):
        outputs = [layer(image).sum() for image in images]
    torch.stack(outputs).sum().backward()  # type: ignore[no-untyped-call]
    assert composed == [False]


def test_the_next_step_composes_anew(layer: PiggybackConvolution) -> None:
    layer.costs.forced = "filters"
    image = torch.randn(1, 4, 5, 5, dtype=torch.float64)

    def step() -> Tensor:
        with calls_of_one_step(1), layer.selection.using("new"):
            output: Tensor = layer(image)
        return output

    before = step()
    with torch.no_grad():
        for parameter in layer.of_task("new").parameters():
            parameter.mul_(2)
    torch.testing.assert_close(step(), 2 * before)


def test_lower_precision_is_cast_once(layer: PiggybackConvolution, composed: list[bool]) -> None:
    layer.costs.forced = "filters"
    layer.float()
    with calls_of_one_step(2), layer.selection.using("new"), torch.autocast("cpu", torch.bfloat16):
        outputs = [layer(torch.randn(1, 4, 5, 5)) for _ in range(2)]
    assert [output.dtype for output in outputs] == [torch.bfloat16] * 2
    assert composed == [True]


def test_more_calls_make_composing_cheaper_in_the_cost_model(layer: PiggybackConvolution) -> None:
    images = torch.randn(1, 4, 5, 5)
    alone = layer.describe_call("new", images)
    with calls_of_one_step(3):
        shared = layer.describe_call("new", images)
    assert alone is not None
    assert shared is not None
    assert (alone.calls, shared.calls) == (1, 3)


def test_nothing_is_left_of_a_block_that_failed() -> None:
    def fail() -> None:
        with calls_of_one_step(2):
            current_step().share("key", lambda: 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert current_step().calls == 1
    assert current_step().share("key", lambda: 2) == 2


def test_another_thread_shares_nothing() -> None:
    seen: list[int] = []
    with calls_of_one_step(3):
        current_step().share("key", lambda: 1)
        thread = threading.Thread(
            target=lambda: seen.extend([current_step().calls, current_step().share("key", lambda: 2)])
        )
        thread.start()
        thread.join()
    assert seen == [1, 2]


def test_a_step_without_calls_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least once"), calls_of_one_step(0):
        pass


def test_what_an_optimizer_moved_inside_of_a_block_is_composed_anew(layer: PiggybackConvolution) -> None:
    layer.costs.forced = "filters"
    image = torch.randn(1, 4, 5, 5, dtype=torch.float64)
    optimizer = torch.optim.Adam(layer.of_task("new").parameters(), lr=0.1)
    with calls_of_one_step(2), layer.selection.using("new"):
        before = layer(image)
        before.sum().backward()
        optimizer.step()
        after = layer(image)
    with layer.selection.using("new"):
        torch.testing.assert_close(after, layer(image), rtol=0, atol=0)
    assert not torch.equal(before, after)


def test_coroutines_that_take_turns_are_in_steps_of_their_own() -> None:
    seen: list[object] = []

    async def step(calls: int) -> None:
        with calls_of_one_step(calls):
            for _ in range(2):
                await asyncio.sleep(0)
                seen.append((calls, current_step().calls, current_step().share("key", lambda: calls)))

    async def both() -> None:
        await asyncio.gather(step(2), step(3))

    asyncio.run(both())
    assert sorted(seen) == [(2, 2, 2), (2, 2, 2), (3, 3, 3), (3, 3, 3)]
    assert current_step().calls == 1


def test_a_coroutine_that_outlives_its_step_shares_nothing_of_it() -> None:
    async def late(begun: asyncio.Event) -> tuple[int, int]:
        await begun.wait()
        return current_step().calls, current_step().share("key", lambda: 2)

    async def outlived() -> tuple[int, int]:
        over = asyncio.Event()
        with calls_of_one_step(3):
            current_step().share("key", lambda: 1)
            task = asyncio.create_task(late(over))
            await asyncio.sleep(0)
        over.set()
        return await task

    assert asyncio.run(outlived()) == (1, 2)
