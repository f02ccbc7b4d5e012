"""What the benchmarks measure: the networks, and one training step of each contender on them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

import piggygan as pg
from benchmarks.depths import unet_depth
from piggygan.data import PairBatch
from piggygan.layers.filters import DEFAULT_MAX_BANK
from piggygan.training import CycleGANObjective

Network = Literal["unet", "resnet"]
Precision = Literal["fp32", "bf16"]
Step = Callable[[], None]

TITLES = {"unet": "U-Net-256", "resnet": "ResNet-9"}


@dataclass(frozen=True)
class Setting:
    """Where and on what a step is taken.

    Attributes:
        network: Which generator.
        batch: Images a step.
        size: Side of the images in pixels.
        device: Where it runs.
        precision: ``bf16``: under autocast.
        width: Channels of the first level.
    """

    network: Network
    batch: int
    size: int
    device: torch.device
    precision: Precision
    width: int = 64

    def __str__(self) -> str:
        return f"{TITLES[self.network]}, batch {self.batch}, {self.size} px"

    def images(self) -> Tensor:
        """Draw a batch in [-1, 1]."""
        return torch.rand(self.batch, 3, self.size, self.size, device=self.device) * 2 - 1

    def autocast(self) -> AbstractContextManager[object]:
        """Choose the precision of what is computed inside."""
        return nullcontext() if self.precision == "fp32" else torch.autocast(self.device.type, torch.bfloat16)


def make_generator(setting: Setting) -> nn.Module:
    """Make a generator with the norm that it is published with; at width 64 it is of published size."""
    if setting.network == "unet":
        return pg.UNetGenerator(depth=unet_depth(setting.size), width=setting.width, norm="batch").to(setting.device)
    return pg.ResNetGenerator(width=setting.width, norm="instance", affine=False).to(setting.device)


def model_with_tasks(
    setting: Setting, tasks: int, *, max_bank: float | None = DEFAULT_MAX_BANK
) -> pg.MultiTaskGenerator:
    """Make a model whose last task is in training and all before it frozen."""
    model = pg.MultiTaskGenerator(make_generator(setting), "task1")
    model.freeze_task("task1")
    for number in range(2, tasks + 1):
        model.add_task(f"task{number}", max_bank=max_bank)
        if number < tasks:
            model.freeze_task(f"task{number}")
    return model.train()


def model_with_frozen(setting: Setting, tasks: int) -> pg.MultiTaskGenerator:
    """Make a model of frozen tasks quickly: each draws on the base task alone, its values are drawn at random.

    They add as much to a later task's bank as any; what they store is smaller by some columns of their factors.
    """
    model = pg.MultiTaskGenerator(make_generator(setting), "task1")
    model.freeze_task("task1")
    for number in range(2, tasks + 1):
        model.add_task(f"task{number}", draws_on=["task1"], init="normal")
        model.freeze_task(f"task{number}")
    return model


def last_task_step(model: pg.MultiTaskGenerator, setting: Setting, *, fused: bool = True) -> Step:
    """Return a step that trains the last task of a model."""
    task = model.tasks[-1]
    return training_step(lambda images: model(images, task=task), model.task_parameters(task), setting, fused=fused)


def fine_tuning_step(setting: Setting) -> Step:
    """Return a step that trains the whole of an ordinary generator."""
    generator = make_generator(setting).train()
    return training_step(generator, list(generator.parameters()), setting)


def naive_step(setting: Setting, tasks: int = 2) -> Step:
    """Return a step that composes every kernel in every forward, as public code does."""
    model = model_with_tasks(setting, tasks)
    model.costs.forced = "filters"
    return last_task_step(model, setting)


def lora_step(setting: Setting) -> Step:
    """Return a step that trains low-rank adapters on every convolution that peft can adapt (Hu et al. 2021).

    The rank makes the adapters about as large as a piggygan task.

    Raises:
        ImportError: If peft is not installed.
        ValueError: If the network has no convolution that peft adapts.
    """
    from peft import LoraConfig, get_peft_model

    generator = make_generator(setting)
    names = [name for name, module in generator.named_modules() if isinstance(module, nn.Conv2d)]
    last = names.pop()  # trained in full, as ours is
    adapted = get_peft_model(generator, LoraConfig(r=64, target_modules=names, modules_to_save=[last])).train()
    return training_step(adapted, [p for p in adapted.parameters() if p.requires_grad], setting)


def cyclegan_fine_tuning_step(setting: Setting) -> Step:
    """Return a CycleGAN step that trains two ordinary generators as a whole."""
    forward, backward = (make_generator(setting).train() for _ in range(2))
    return _unpaired_step(CycleGANObjective(forward, backward, *_discriminators(setting)), setting)


def cyclegan_step(setting: Setting, tasks: int = 2, *, calibrated: bool = False) -> Step:
    """Return a CycleGAN step that trains the last task of two models."""
    pair = pg.GeneratorPair(*(model_with_tasks(setting, tasks) for _ in range(2)))
    task = pair.tasks[-1]
    if calibrated:
        for model in pair.networks.values():
            pg.calibrate(model, setting.images(), task, calls=3)
    objective = CycleGANObjective(
        pair.forward,
        pair.backward,
        *_discriminators(setting),
        generator_parameters=pair.task_parameters(task),
        forward_arguments={"task": task},
    )
    return _unpaired_step(objective, setting)


def _discriminators(setting: Setting) -> tuple[nn.Module, nn.Module]:
    layers = 3 if setting.size >= 32 else 1
    first, second = (pg.PatchDiscriminator(3, width=setting.width, layers=layers) for _ in range(2))
    return first.to(setting.device).train(), second.to(setting.device).train()


def _unpaired_step(objective: CycleGANObjective, setting: Setting) -> Step:
    """Return what the training loop does with one batch: both turns, a fused Adam step after each."""
    batch = PairBatch(setting.images(), setting.images(), [])
    optimizers = {
        player: torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999), fused=True)
        for player, parameters in objective.players().items()
    }

    def step() -> None:
        turns = objective.play(batch)
        while True:
            with setting.autocast():
                turn = next(turns, None)
            if turn is None:
                return
            optimizers[turn.player].zero_grad(set_to_none=True)
            torch.stack(list(turn.losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            optimizers[turn.player].step()

    return step


def training_step(
    generator: Callable[[Tensor], Tensor], parameters: Iterable[nn.Parameter], setting: Setting, *, fused: bool = True
) -> Step:
    """Return forward, L1 loss, backward and an Adam step on one batch."""
    images, target = setting.images(), None
    optimizer = torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999), fused=fused)

    def step() -> None:
        nonlocal target
        optimizer.zero_grad(set_to_none=True)
        with setting.autocast():
            output = generator(images)
            if target is None:
                target = torch.zeros_like(output)
            loss = nn.functional.l1_loss(output, target)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def folded(model: pg.MultiTaskGenerator, task: str) -> nn.Module:
    """Return a task as an ordinary generator in evaluation mode that shares nothing with the model."""
    return copy.deepcopy(model.fold_task(task)).eval()
