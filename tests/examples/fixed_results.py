"""The example's page from fixed results: good, not learned, and not proven."""

import re
from pathlib import Path

import cyclegan_facades_to_lungs_report as cycle
import torch
from torch import Tensor
from verdict import PALETTE

from piggygan.data import Pair
from piggygan.model.overhead import LayerOverhead, Overhead, TaskOverhead
from piggygan.training.history import EpochRecord, History

FIXED = {"facades": {"pixel_accuracy": 0.491}, "lungs": {"dice": 0.837}}
PROVEN = {"verified": ["facades: equal", "lungs: equal"], "is_sound": True}
TESTS = {
    "facades": [Pair(torch.zeros(3, 8, 8), torch.zeros(3, 8, 8), str(number)) for number in range(4)],
    "lungs": [Pair(torch.zeros(3, 8, 8), -torch.ones(1, 8, 8), str(number)) for number in range(3)],
}


def labels(offset: int) -> Tensor:
    """Four label maps of the palette's colours."""
    classes = (torch.arange(4 * 64).reshape(4, 8, 8) // 5 + offset) % len(PALETTE)
    return (torch.tensor(PALETTE)[classes] / 127.5 - 1).movedim(-1, 1)


def masks(half: float) -> Tensor:
    """Three masks that are white below a line."""
    rows = torch.linspace(-1, 1, 8)[:, None].expand(3, 1, 8, 8)
    return ((rows > half) * 2.0 - 1.0).float()


def overhead(task: str, own: int, factors: int, share: float) -> TaskOverhead:
    return TaskOverhead(
        task, (LayerOverhead("conv", own, factors, 64, 0, 0, 4 * (own + factors + 64), 100_064),), share
    )


OVERHEAD = Overhead((overhead("facades", 100_000, 0, 1.0), overhead("lungs", 25_000, 3_500, 0.286)))


def history(*names: str) -> History:
    losses = [{name: (place + 1.0) / (epoch + 1) for place, name in enumerate(names)} for epoch in range(3)]
    return History([EpochRecord(epoch + 1, found, 2e-4, 1.5, 0) for epoch, found in enumerate(losses)])


def facade_scores(accuracy: float) -> dict[str, float]:
    return {"pixel_accuracy": accuracy, "class_accuracy": accuracy / 2, "class_iou": accuracy / 3, "l1": 1 - accuracy}


def lung_scores(dice: float) -> dict[str, float]:
    names = ("dice", "iou", "accuracy", "precision", "recall")
    return {f"{name}{pooled}": dice - place / 50 for pooled in ("", "_pooled") for place, name in enumerate(names)}


def unpaired_result(accuracy: float = 0.6, dice: float = 0.9) -> cycle.Result:
    """The unpaired job, both ways."""
    both = dict.fromkeys(cycle.DIRECTIONS, "ab" * 32)
    films = torch.zeros(3, 3, 8, 8)
    first = cycle.Measured(
        {"facades": labels(0)},
        {"facades": labels(1)},
        {"facades": {**facade_scores(accuracy), "cycle_l1": 0.2, "backward_l1": 0.4}},
        {"facades": both},
    )
    last = cycle.Measured(
        {**first.outputs, "lungs": masks(0.0)},
        {**first.cycles, "lungs": films},
        {**first.scores, "lungs": {**lung_scores(dice), "cycle_l1": 0.1, "backward_l1": 0.3}},
        {"facades": both, "lungs": dict.fromkeys(cycle.DIRECTIONS, "cd" * 32)},
    )
    names = [f"{player}.{way}" for player in ("generators", "discriminators") for way in cycle.DIRECTIONS]
    return cycle.Result(
        measured={"facades": first, "lungs": last},
        histories={task: history(*names) for task in cycle.TASKS},
        fresh={"digests": dict(last.digests), **PROVEN},
        fixed=FIXED,
        overheads=dict.fromkeys(cycle.DIRECTIONS, OVERHEAD),
        settings={"size": 8, "seed": 0},
        seconds=1.5,
    )


def write(folder: Path, result: cycle.Result) -> Path:
    """Write the page of a result."""
    return cycle.write_report(folder, result, TESTS)


def normalized(html: str) -> str:
    """Leave out of a page what other versions draw and print in another way, and its style."""
    html = re.sub(r"<style>.*?</style>", "<style></style>", html, flags=re.DOTALL)
    html = re.sub(r"base64,[^\"]+", "base64,", html)
    html = re.sub(r"piggygan \S+, torch \S+, Python \S+\.", "VERSIONS.", html)
    html = re.sub(r"on \d+ threads", "on N threads", html)
    return re.sub(r"\n\s*\n+", "\n", html)
