"""The experiment of the course report: a pix2pix generator for facades goes on to lungs on the Montgomery films.

    python -m benchmarks.evidence.course_report --facades DIR --lungs DIR --methods ours separate --seeds 0 1 2

U-Net-256 of width 64 at 256 px, batch norm, dropout, as in the report. Each cell, a method with a recipe and a seed, is
one JSON file in ``--out`` with the five scores of every film; cells that are there are not run again. The base network
of a seed is trained once and kept in a registry. ``--side validation`` holds a part of the training films back and
never reads the test side: choose there.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from torch import Tensor, nn

import piggygan as pg
from piggygan.data import PairAugmentation, PairDataset, batches
from piggygan.data.palette import CMP_PALETTE
from piggygan.data.splits import read_splits, side_of
from piggygan.evaluation.labels import picture_label_scores
from piggygan.evaluation.segmentation import segmentation_scores
from piggygan.training import Pix2PixObjective, TrainingOptions, train
from piggygan.training.objectives.protocol import Objective
from piggygan.training.objectives.supervised import SupervisedObjective

Method = Literal["ours", "fine-tuning", "separate"]
Recipe = Literal["pix2pix", "pix2pix-dice", "supervised"]
Side = Literal["validation", "test"]

HELD_BACK = 12
"""Training films that are scored on the validation side: every sixth or seventh by name."""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    facades: Path
    """Folder with ``train`` and ``val`` of side-by-side pairs, photo left and labels right."""
    lungs: Path
    """Folder with ``images``, ``masks`` and ``splits.json`` of ``train`` and ``test``."""
    out: Path = Path("runs/course_report")
    """Folder for the cells and the base networks."""
    methods: tuple[Method, ...] = ("ours", "fine-tuning", "separate")
    """Who learns lungs."""
    recipes: tuple[Recipe, ...] = ("pix2pix",)
    """By which losses."""
    rates: tuple[float, ...] = (2e-4,)
    """Learning rates for lungs."""
    seeds: tuple[int, ...] = (0,)
    """Of everything random."""
    side: Side = "validation"
    """Where lungs are scored."""
    facades_epochs: int = 20
    """Passes over the facades, at batch 4 and 2e-4."""
    epochs: int = 30
    """Passes over the films."""
    batch_size: int = 1
    """Films a step."""
    size: int = 256
    """Side of the images."""
    width: int = 64
    """Channels of the first level."""


@dataclass(frozen=True)
class Cell:
    """One training of lungs."""

    method: Method
    recipe: Recipe
    rate: float
    seed: int
    side: Side

    @property
    def name(self) -> str:
        """The stem of its file."""
        return f"{self.side}.{self.method}.{self.recipe}.{self.rate:g}.{self.seed}"


def main(options: Options) -> None:
    """Run what is missing."""
    options.out.mkdir(parents=True, exist_ok=True)
    cells = [
        Cell(method, recipe, rate, seed, options.side)
        for seed in options.seeds
        for recipe in options.recipes
        for rate in options.rates
        for method in options.methods
    ]
    missing = [cell for cell in cells if not (options.out / f"{cell.name}.json").exists()]
    if not missing and all((options.out / f"base-{seed}").exists() for seed in options.seeds):
        return
    facades = PairDataset.side_by_side(options.facades / "val", options.size)
    for seed in options.seeds:
        learn_base(options, seed, facades)
    for cell in missing:
        result = run_cell(options, cell, facades)
        text = json.dumps({"cell": asdict(cell), "settings": settings(options), **result})
        (options.out / f"{cell.name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{cell.name}: Dice {sum(result['films']['dice']) / len(result['films']['dice']):.4f}", flush=True)


def settings(options: Options) -> dict[str, object]:
    """Say what all cells have in common."""
    names = ("facades_epochs", "epochs", "batch_size", "size", "width")
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {**{name: getattr(options, name) for name in names}, "device": device, "torch": torch.__version__}


def learn_base(options: Options, seed: int, held_out: PairDataset) -> None:
    """Train facades to labels, and keep the network."""
    folder = options.out / f"base-{seed}"
    if folder.exists():
        return
    torch.manual_seed(seed)
    model = pg.MultiTaskGenerator(network(options), base_task="facades")
    pairs = PairDataset.side_by_side(
        options.facades / "train", options.size, augmentation=PairAugmentation.pix2pix(), seed=seed
    )
    objective = Pix2PixObjective(
        model, pg.PatchDiscriminator(6, width=options.width), forward_arguments={"task": "facades"}
    )
    run_training(objective, pairs, epochs=options.facades_epochs, batch_size=4, rate=2e-4, seed=seed)
    model.freeze_task("facades")
    labels = label_scores(translate(model, held_out, "facades"), held_out)
    pg.TaskRegistry(folder).commit(model.cpu(), "facades", scores=labels, image_size=options.size)


def network(options: Options, out_channels: int = 3) -> pg.UNetGenerator:
    """Make a generator as pix2pix does."""
    depth = options.size.bit_length() - 1
    return pg.UNetGenerator(
        out_channels=out_channels, depth=min(depth, 8), width=options.width, norm="batch", dropout=True
    )


class Rival(nn.Module):
    """Fine-tuning: the whole facade generator learns masks with its three output channels, read as their mean."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, images: Tensor, task: str) -> Tensor:
        """Translate; whatever the task, it is the same network."""
        output: Tensor = self.generator(images)
        return output.mean(1, keepdim=True) if task == "lungs" else output


class Separate(nn.Module):
    """A network of its own for lungs."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, images: Tensor, task: str) -> Tensor:  # noqa: ARG002  # it knows one task
        """Translate."""
        output: Tensor = self.generator(images)
        return output


def run_cell(options: Options, cell: Cell, facades: PairDataset) -> dict[str, Any]:
    """Train lungs, and score lungs and what is left of facades."""
    model = pg.TaskRegistry(options.out / f"base-{cell.seed}").load().to(device())
    before = translate(model, facades, "facades")
    torch.manual_seed(cell.seed)
    learner: nn.Module = model
    parameters = None
    share = 1.0
    if cell.method == "ours":
        model.add_task("lungs", out_channels=1)
        parameters = model.task_parameters("lungs")
        share = model.overhead()["lungs"].share
    elif cell.method == "fine-tuning":
        learner = Rival(model.fold_task("facades"))
    else:
        learner = Separate(network(options, out_channels=1))
    films, scored = lung_films(options, cell)
    started = time.perf_counter()
    run_training(
        objective_of(cell, learner, parameters, options),
        films,
        epochs=options.epochs,
        batch_size=options.batch_size,
        rate=cell.rate,
        seed=cell.seed,
    )
    seconds = time.perf_counter() - started
    if cell.method == "ours":
        model.freeze_task("lungs")
    outputs = translate(learner, scored, "lungs")
    kept = {}
    if cell.method != "separate":
        after = translate(learner, facades, "facades")
        kept = {
            "facades_before": label_scores(before, facades),
            "facades_after": label_scores(after, facades),
            "facades_equal_bytes": sha256(before) == sha256(after),
        }
    return {"films": film_scores(outputs, scored), "share": share, "seconds": round(seconds, 1), **kept}


def objective_of(
    cell: Cell, learner: nn.Module, parameters: Sequence[nn.Parameter] | None, options: Options
) -> Objective:
    """Make what is learned by."""
    arguments = {"task": "lungs"}
    if cell.recipe == "supervised":
        return SupervisedObjective(
            learner, generator_parameters=parameters, l1_weight=1.0, dice_weight=1.0, forward_arguments=arguments
        )
    return Pix2PixObjective(
        learner,
        pg.PatchDiscriminator(4, width=options.width),
        generator_parameters=parameters,
        dice_weight=100.0 if cell.recipe == "pix2pix-dice" else 0.0,
        forward_arguments=arguments,
    )


def lung_films(options: Options, cell: Cell) -> tuple[PairDataset, PairDataset]:
    """Return the films to learn from, and those to be scored on."""
    splits = read_splits(options.lungs / "splits.json")
    learned = list(side_of(splits, "train", options.lungs / "splits.json"))
    scored = list(side_of(splits, "test", options.lungs / "splits.json"))
    if cell.side == "validation":
        ordered = sorted(learned)
        step = len(ordered) / HELD_BACK
        scored = [ordered[int(index * step)] for index in range(HELD_BACK)]
        learned = [name for name in ordered if name not in scored]
    varied = PairAugmentation(zoom=(0.85, 1.15), rotation_degrees=8.0, contrast=0.2, brightness=0.2)

    def films(names: Sequence[str], augmentation: PairAugmentation | None) -> PairDataset:
        folders = options.lungs / "images", options.lungs / "masks"
        return PairDataset.with_masks(*folders, options.size, names=names, augmentation=augmentation, seed=cell.seed)

    return films(learned, varied), films(scored, None)


def run_training(
    objective: Objective, pairs: PairDataset, *, epochs: int, batch_size: int, rate: float, seed: int
) -> None:
    """Train with pix2pix's schedule: constant, then falling linearly over the second half."""
    loader = batches(pairs, batch_size, seed=seed, drop_last=True)
    train(objective, loader, TrainingOptions(epochs=epochs, learning_rate=rate, seed=seed, progress=False))


def translate(learner: nn.Module, pairs: PairDataset, task: str) -> Tensor:
    """Run one task over a data set in evaluation mode."""
    learner.to(device()).eval()
    # On CUDA a transposed convolution adds in any order unless it is told not to: two calls then differ.
    with torch.inference_mode(), torch.backends.cudnn.flags(deterministic=True):
        parts = [learner(batch.input.to(device()), task=task).cpu() for batch in batches(pairs, 10, shuffle=False)]
    return torch.cat(parts)


def device() -> torch.device:
    """Return where to compute."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def film_scores(outputs: Tensor, pairs: PairDataset) -> dict[str, list[float]]:
    """Score every film by itself."""
    rows = [
        asdict(segmentation_scores(outputs[index : index + 1], pairs[index].target[None]).mean_over_images)
        for index in range(len(pairs))
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def label_scores(outputs: Tensor, pairs: PairDataset) -> dict[str, float]:
    """Score label pictures."""
    targets = torch.stack([pairs[index].target for index in range(len(pairs))])
    scores: dict[str, float] = picture_label_scores(outputs, targets, [entry.rgb for entry in CMP_PALETTE]).as_dict()
    return scores


def sha256(outputs: Tensor) -> str:
    """Digest the bytes of outputs."""
    return hashlib.sha256(outputs.numpy().tobytes()).hexdigest()


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
