"""Invariant 1: wrapped, the base task's output is the unwrapped generator's, bit for bit."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import piggygan as pg


def test_the_base_task_gives_the_bits_of_the_unwrapped_generator(
    make_generator: Callable[[], nn.Module], images: Tensor
) -> None:
    with torch.no_grad():
        bare = make_generator().eval()(images).numpy().tobytes()
        model = pg.MultiTaskGenerator(make_generator(), "facades").eval()
        assert model(images).numpy().tobytes() == bare
        model.freeze_task("facades")
        model.add_task("lungs")
        assert model(images, task="facades").numpy().tobytes() == bare


def test_a_training_step_of_the_base_task_gives_the_bits_of_the_unwrapped_generator(
    make_generator: Callable[[], nn.Module], images: Tensor
) -> None:
    results = []
    for wrapped in (False, True):
        generator = make_generator()
        module = pg.MultiTaskGenerator(generator, "facades") if wrapped else generator
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
        torch.manual_seed(2)  # dropout
        module.train()(images).abs().mean().backward()
        optimizer.step()
        with torch.no_grad():
            results.append(module.eval()(images).numpy().tobytes())
    assert results[0] == results[1]


def test_a_new_task_starts_as_the_old_function(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "facades").eval()
    model.freeze_task("facades")
    model.add_task("lungs", max_bank=None)
    with torch.no_grad():
        assert torch.equal(model(images, task="lungs"), model(images, task="facades"))
