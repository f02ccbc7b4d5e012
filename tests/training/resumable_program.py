"""A small training of a second task, as a program that can be killed: dropout, batch norm, varied data.

python resumable_program.py FOLDER [--every-steps N] [--slow SECONDS] [--kind pix2pix|supervised|cyclegan] [--data KIND]
"""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from piggygan.errors import PiggyganError, TrainingInterruptedError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import PatchDiscriminator, UNetGenerator
from piggygan.training import (
    Checkpoints,
    CycleGANObjective,
    History,
    Pix2PixObjective,
    SupervisedObjective,
    TrainingOptions,
    train,
)

EPOCHS, STEPS = 4, 10


class Pair(NamedTuple):
    input: Tensor
    target: Tensor


class VariedPairs(Dataset[Pair]):
    """Pictures that are varied by every global source of random numbers."""

    def __init__(self, count: int = 2 * STEPS) -> None:
        self.images = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Pair:
        image = self.images[index] * (0.5 + random.random() / 2) + 0.1 * torch.rand(1)
        if np.random.rand() < 0.5:
            image = image.flip(-1)
        return Pair(image, image[:1].sign())


class SlowPairs(VariedPairs):
    """Pictures that are waited for."""

    def __getitem__(self, index: int) -> Pair:
        time.sleep(0.3)
        return super().__getitem__(index)


class Stream:
    """Something that is no loader, and of unknown length."""

    def __iter__(self) -> Iterator[Pair]:
        for _ in range(STEPS):
            images = torch.rand(2, 3, 8, 8) * 2 - 1
            yield Pair(images, images[:, :1].sign())


def make_data(kind: str) -> Any:
    pairs = SlowPairs() if kind == "slow workers" else VariedPairs()
    if kind == "list":
        return [Pair(images, images[:, :1].sign()) for images in pairs.images.split(2)]
    if kind == "stream":
        return Stream()
    if kind == "one batch":
        return DataLoader(VariedPairs(2), 2, drop_last=True)
    generator = torch.Generator().manual_seed(3) if kind == "generator" else None
    return DataLoader(pairs, 2, shuffle=True, generator=generator, num_workers=1 if "workers" in kind else 0)


def make_model(**settings: Any) -> MultiTaskGenerator:
    model = MultiTaskGenerator(UNetGenerator(3, 3, depth=3, width=2, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", **settings)
    return model


def make_cyclegan() -> CycleGANObjective:
    forward, backward = make_model(out_channels=1), make_model(in_channels=1)
    return CycleGANObjective(
        forward,
        backward,
        PatchDiscriminator(1, width=2, layers=1),
        PatchDiscriminator(3, width=2, layers=1),
        generator_parameters=[*forward.task_parameters("lungs"), *backward.task_parameters("lungs")],
        forward_arguments={"task": "lungs"},
        identity_weight=0.0,
        instance_noise=0.1,
        pool_size=6,  # full after three steps
    )


def make_objective(kind: str = "pix2pix", **arguments: Any) -> Any:
    torch.manual_seed(7)
    if kind == "cyclegan":
        return make_cyclegan()
    model = make_model(out_channels=1)
    chosen = {"generator_parameters": model.task_parameters("lungs"), "forward_arguments": {"task": "lungs"}}
    if kind == "supervised":
        return SupervisedObjective(model, **chosen, **arguments)
    return Pix2PixObjective(model, PatchDiscriminator(4, width=2, layers=1, norm="batch"), **chosen, **arguments)


def run(objective: Any, data: Any, checkpoints: Checkpoints | None, **options: Any) -> History:
    on_epoch = options.pop("on_epoch", None)
    chosen = TrainingOptions(**{"epochs": EPOCHS, "seed": 5, "progress": False, "learning_rate": 1e-3, **options})
    return train(objective, data, chosen, checkpoints=checkpoints, on_epoch=on_epoch)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every-steps", type=int, default=1)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--kind", default="pix2pix")
    parser.add_argument("--data", default="shuffle")
    parser.add_argument("--die-once", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    objective = make_objective(chosen.kind)
    play = objective.play

    steps = 0

    def announced(batch: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == chosen.die_once and os.environ.get("RANK") == "1":
            dead = chosen.folder / "dead"
            if not dead.exists():
                dead.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        print("step", flush=True)
        time.sleep(chosen.slow)
        return play(batch)

    objective.play = announced
    try:
        run(objective, make_data(chosen.data), Checkpoints(chosen.folder, every_steps=chosen.every_steps))
    except TrainingInterruptedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except PiggyganError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
