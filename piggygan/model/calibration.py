"""Calibration: time the ways to compute each layer on the machine at hand, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from piggygan.errors import TaskStateError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.ways.choice import LayerCall, estimate, possible_ways
from piggygan.layers.ways.compute import Way
from piggygan.layers.ways.shared_calls import calls_of_one_step
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.restoring import modes_kept, tensors_kept

ROUNDS = 3
HOPELESS = 4.0
"""A way that the formula finds this many times worse than the best is not tried."""


def calibrate(model: MultiTaskGenerator, images: Tensor, task: str, *, calls: int = 1) -> dict[LayerCall, Way]:
    """Time the ways to compute each layer of a task, and let the model take the fastest from now on.

    Takes some seconds. Nothing of the model changes but ``model.costs.measured``, which serves every later task with
    layers of the same shapes; ``model.costs.save`` keeps it. It speaks for this machine, this size of image and batch,
    this number of threads, and this precision: for a training under autocast call it under autocast. With it, two
    trainings are bit-identical only if both use the same measurements.

    Args:
        model: On the device where it will train.
        images: A batch like those it will be trained with.
        task: A task in training.
        calls: How often a step calls the generator: 3 in CycleGAN with its identity loss, 2 without.

    Returns:
        What was measured anew.

    Raises:
        TaskNotFoundError: If there is no such task.
        TaskStateError: If it is frozen, or the base task, which is computed in one way only.

    Example:
        >>> import piggygan as pg
        >>> from torch import nn
        >>> model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3)), "facades")
        >>> model.freeze_task("facades")
        >>> model.add_task("lungs", out_channels=1)
        >>> measured = calibrate(model, torch.zeros(1, 3, 16, 16), "lungs")
        >>> len(measured) > 0, set(measured) == set(model.costs.measured)
        (True, True)
    """
    if model.describe_task(task).is_frozen or task == model.base_task:
        raise TaskStateError(f"only a later task in training has ways to choose from; {task!r} is none.")
    found: dict[LayerCall, Way] = {}
    forced, model.costs.forced = model.costs.forced, None
    try:
        for layer, features in _inputs(model, images, task).items():
            with calls_of_one_step(calls):
                call = layer.describe_call(task, features)
            if call is not None and call not in found and call not in model.costs.measured:
                with model.using(task), modes_kept(layer), torch.inference_mode(False), torch.enable_grad():
                    found[call] = _fastest(layer.train(), features, call, list(layer.stored(task).parameters()))
    finally:
        model.costs.forced = forced
    model.costs.measured |= found
    return found


def _inputs(model: MultiTaskGenerator, images: Tensor, task: str) -> dict[PiggybackConvolution, Tensor]:
    """Run the model once as in training, and return what each convolution was given."""
    seen: dict[PiggybackConvolution, Tensor] = {}

    def remember(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        if isinstance(layer, PiggybackConvolution):
            seen[layer] = arguments[0].detach().requires_grad_(arguments[0].requires_grad)

    hooks = [layer.register_forward_pre_hook(remember) for layer in model.layers.values()]
    try:
        with _as_before(model, task), torch.inference_mode(False), torch.enable_grad():
            model.train()
            model(images.clone(), task=task)  # those that inference mode made could not be trained with
    finally:
        for hook in hooks:
            hook.remove()
    return seen


@contextmanager
def _as_before(model: MultiTaskGenerator, task: str) -> Iterator[None]:
    """Undo what a step in training mode does: to the mode, running statistics and random numbers."""
    devices = {tensor.device for tensor in model.task_tensors(task).values() if tensor.is_cuda}
    with torch.random.fork_rng(devices=devices), modes_kept(model), ExitStack() as stack:
        for layer in model.layers.values():
            stack.enter_context(tensors_kept(layer.stored(task)))
        yield


def _fastest(layer: PiggybackConvolution, features: Tensor, call: LayerCall, parameters: list[nn.Parameter]) -> Way:
    estimates = {way: estimate(call, way) for way in possible_ways(call)}
    hopeful = [way for way, cost in estimates.items() if cost < HOPELESS * min(estimates.values())]
    times: dict[Way, float] = dict.fromkeys(hopeful, float("inf"))
    for turn in range(ROUNDS + 1):
        for way in hopeful:
            layer.costs.forced = way
            taken = _timed(layer, features, call.calls, parameters)
            if turn:  # the first is for warming up
                times[way] = min(times[way], taken)
    layer.costs.forced = None
    return min(times, key=lambda way: times[way])


def _timed(layer: PiggybackConvolution, features: Tensor, calls: int, parameters: list[nn.Parameter]) -> float:
    wanted = [*parameters, *([features] if features.requires_grad else [])]
    _wait(features.device)
    start = time.perf_counter()
    with calls_of_one_step(calls):
        outputs = [layer(features) for _ in range(calls)]
    # Handed out, not added up: the gradients that parameters have stay theirs.
    torch.autograd.grad(outputs, wanted, [torch.ones_like(output) for output in outputs], allow_unused=True)
    _wait(features.device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
