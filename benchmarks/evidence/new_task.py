"""How best to start and to step a new task: the sweep behind the defaults of ``add_task``.

    python -m benchmarks.evidence.new_task --facades DIR --xrays DIR --out runs/new_task

Facades are learned once. Then lungs are learned anew from there in each of the ways in ``VARIANTS``, with the same
seed, films and number of steps, and scored on films of the *training* side that were kept back; the test side is not
read. Prints a table and writes ``result.json``. ``--xrays`` needs a ``splits.json``, as in the example.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor, nn

import piggygan as pg
from benchmarks.depths import unet_depth
from piggygan.data import PairAugmentation, PairDataset, batches, read_splits, side_of
from piggygan.evaluation.segmentation import SegmentationScorer
from piggygan.training import Pix2PixObjective, TrainingOptions, train

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "factor step 1 (one learning rate)": {"factor_step": 1.0},
    "factor step 4": {"factor_step": 4.0},
    "factor step 16": {"factor_step": 16.0},
    "factor step 64": {"factor_step": 64.0},
    "N(0, 0.02) start": {"init": "normal"},
    "N(0, 0.02) start, factor step 1 (the paper's)": {
        "init": "normal",
        "factor_step": 1.0,
        "output_layer_unconstrained": False,
    },
    "lambda 0": {"unconstrained_fraction": 0.0},
    "lambda 1/2": {"unconstrained_fraction": 0.5},
    "bank of at most the layer's own number": {"max_bank": 1.0},
    "bank without a bound": {"max_bank": None},
}


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    facades: Path
    """Folder with ``train`` of side-by-side pairs."""
    xrays: Path
    """Folder with ``images``, ``masks`` and ``splits.json``."""
    out: Path = Path("runs/new_task")
    """Folder for the base task, so that it is learned once, and for the result."""
    norms: tuple[pg.networks.NormKind, ...] = ("batch",)
    """Kinds of norm to sweep under."""
    size: int = 128
    """Side of the images in pixels."""
    width: int = 32
    """Channels of the U-Net's first level."""
    epochs: int = 20
    """Passes over the facades."""
    lungs_epochs: int = 60
    """Passes over the films."""
    seeds: tuple[int, ...] = (0,)
    """Each variant is learned once with each."""
    variants: tuple[str, ...] = (*VARIANTS, "fine-tuning", "from scratch")
    """Which ways to learn lungs."""
    between: int = 0
    """Tasks learned after facades and before lungs, for a larger bank: photos of labels, and labels again."""
    between_epochs: int = 2
    """Passes over the facades for each of these."""


def main(options: Options) -> None:
    """Run the sweep."""
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.xrays / "splits.json"
    names = sorted(side_of(read_splits(path), "train", path))
    learned, kept_back = names[: len(names) * 3 // 4], names[len(names) * 3 // 4 :]  # neighbours share a patient
    results = []
    for norm in options.norms:
        base = learn_facades(options, norm)
        learn_between(options, base, norm)
        for name in options.variants:
            for seed in options.seeds:
                torch.manual_seed(seed)
                results.append(
                    {"norm": norm, "seed": seed, **run(name, start(name, base), learned, kept_back, seed, options)}
                )
                print("{norm:8} {variant:48} seed {seed}  Dice {dice:.4f}  {seconds:5.0f} s".format(**results[-1]))
    (options.out / "result.json").write_text(json.dumps(results, indent=2), encoding="utf-8")


def learn_facades(options: Options, norm: pg.networks.NormKind) -> pg.MultiTaskGenerator:
    """Learn the base task, or take it from a former run."""
    depth = unet_depth(options.size)
    registry = pg.TaskRegistry(options.out / f"base-{norm}")
    if registry.tasks:
        return registry.load()
    torch.manual_seed(0)
    generator = pg.UNetGenerator(depth=depth, width=options.width, norm=norm, dropout=True)
    model = pg.MultiTaskGenerator(generator, "facades")
    dataset = PairDataset.side_by_side(options.facades / "train", options.size, augmentation=PairAugmentation.pix2pix())
    discriminator = pg.PatchDiscriminator(6, width=options.width, norm=norm)
    train(Pix2PixObjective(model, discriminator), batches(dataset, 4), TrainingOptions(epochs=options.epochs))
    model.freeze_task("facades")
    registry.commit(model, "facades")
    return model


def learn_between(options: Options, model: pg.MultiTaskGenerator, norm: pg.networks.NormKind) -> None:
    """Learn more tasks on facades, so that the bank of a later one is larger."""
    for number in range(options.between):
        task = f"between{number}"
        torch.manual_seed(number)
        model.add_task(task)
        dataset = PairDataset.side_by_side(
            options.facades / "train",
            options.size,
            input_side="right" if number % 2 == 0 else "left",
            augmentation=PairAugmentation.pix2pix(),
            seed=number,
        )
        objective = Pix2PixObjective(
            model,
            pg.PatchDiscriminator(6, width=options.width, norm=norm),
            generator_parameters=model.task_parameters(task),
            forward_arguments={"task": task},
        )
        train(objective, batches(dataset, 4, seed=number), TrainingOptions(epochs=options.between_epochs))
        model.freeze_task(task)


def start(name: str, base: pg.MultiTaskGenerator) -> nn.Module:
    """Make the network that a variant trains."""
    if name in VARIANTS:
        model = copy.deepcopy(base)
        model.add_task("lungs", out_channels=1, **VARIANTS[name])
        return Lungs(model)
    generator = with_mask_output(base.fold_task("facades"))
    if name == "from scratch":
        pg.networks.initialize(generator)
    return generator


class Lungs(nn.Module):
    """A multi-task generator with lungs always selected."""

    def __init__(self, model: pg.MultiTaskGenerator) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Translate films to masks."""
        output: Tensor = self.model(images, task="lungs")
        return output


def with_mask_output(generator: nn.Module) -> nn.Module:
    """Give a network with three output channels a new last layer with one."""
    path, last = [(p, m) for p, m in generator.named_modules() if isinstance(m, nn.ConvTranspose2d)][-1]
    new = nn.ConvTranspose2d(last.in_channels, 1, 4, stride=2, padding=1)
    pg.networks.initialize(new)
    generator.set_submodule(path, new)
    return generator


def run(
    name: str, network: nn.Module, learned: list[str], kept_back: list[str], seed: int, options: Options
) -> dict[str, Any]:
    """Learn lungs one way and score them on the films kept back."""
    images, masks = options.xrays / "images", options.xrays / "masks"
    variations = PairAugmentation(zoom=(0.85, 1.15), rotation_degrees=8.0, contrast=0.2, brightness=0.2)
    films = PairDataset.with_masks(images, masks, options.size, names=learned, augmentation=variations, seed=seed)
    discriminator = pg.PatchDiscriminator(4, width=options.width, norm="batch")
    started = time.perf_counter()
    objective = Pix2PixObjective(network, discriminator)
    train(
        objective, batches(films, 4, seed=seed, drop_last=True), TrainingOptions(epochs=options.lungs_epochs, seed=seed)
    )
    seconds = time.perf_counter() - started
    scorer = SegmentationScorer()
    with torch.inference_mode():
        for batch in batches(PairDataset.with_masks(images, masks, options.size, names=kept_back), 8, shuffle=False):
            scorer.update(network.eval()(batch.input), batch.target)
    return {"variant": name, "dice": scorer.compute().mean_over_images.dice, "seconds": seconds}


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
