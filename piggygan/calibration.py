"""Calibration: time the ways to compute each layer on the machine at hand, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from piggygan.costs import LayerCall, estimate, possible_ways
from piggygan.errors import TaskStateError
from piggygan.layers import PiggybackConvolution
from piggygan.model import MultiTaskGenerator
from piggygan.one_step import calls_of_one_step
from piggygan.ways import Way

ROUNDS = 3
HOPELESS = 4.0
"""A way that the formula finds this many times worse than the best is not tried."""


def calibrate(model: MultiTaskGenerator, images: Tensor, task: str, *, calls: int = 1) -> dict[LayerCall, Way]:
    """Time the ways to compute each layer of a task, and let the model take the fastest from now on.

    Takes some seconds. Nothing of the model changes but ``model.costs.measured``, which serves every later task with
    layers of the same shapes; ``model.costs.save`` keeps it. It speaks for this machine, this size of image and batch,
    and this number of threads. With it, two trainings are bit-identical only if both use the same measurements.

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
                with model.using(task), _nothing_kept(layer, task):
                    found[call] = _fastest(layer, features, call)
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
        with _as_before(model, task), torch.enable_grad():
            model.train()
            model(images, task=task)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


@contextmanager
def _as_before(model: MultiTaskGenerator, task: str) -> Iterator[None]:
    """Undo what a step in training mode does: to the mode, running statistics and random numbers."""
    was_training, before = model.training, {name: t.clone() for name, t in model.task_tensors(task).items()}
    devices = {tensor.device for tensor in before.values() if tensor.is_cuda}
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        model.train(was_training)
        model.load_task_tensors(task, before)


@contextmanager
def _nothing_kept(layer: PiggybackConvolution, task: str) -> Iterator[None]:
    """Time a layer in training mode, and leave mode and gradients as they were."""
    was_training, parameters = layer.training, list(layer.stored(task).parameters())
    gradients = [parameter.grad for parameter in parameters]
    layer.train()
    try:
        with torch.enable_grad():
            yield
    finally:
        layer.train(was_training)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient


def _fastest(layer: PiggybackConvolution, features: Tensor, call: LayerCall) -> Way:
    estimates = {way: estimate(call, way) for way in possible_ways(call)}
    hopeful = [way for way, cost in estimates.items() if cost < HOPELESS * min(estimates.values())]
    times: dict[Way, float] = dict.fromkeys(hopeful, float("inf"))
    for turn in range(ROUNDS + 1):
        for way in hopeful:
            layer.costs.forced = way
            taken = _timed(layer, features, call.calls)
            if turn:  # the first is for warming up
                times[way] = min(times[way], taken)
    layer.costs.forced = None
    return min(times, key=lambda way: times[way])


def _timed(layer: PiggybackConvolution, features: Tensor, calls: int) -> float:
    _wait(features.device)
    start = time.perf_counter()
    with calls_of_one_step(calls):
        outputs = [layer(features) for _ in range(calls)]
    torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
    _wait(features.device)
    taken = time.perf_counter() - start
    features.grad = None
    layer.zero_grad(set_to_none=True)
    return taken


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
