"""What the unpaired job learns from: facades and chest X-rays, yours or generated, and the options about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from verdict import fixed_scores

from piggygan.data import PairAugmentation, PairDataset, read_splits, side_of
from piggygan.data.synthetic import write_facades, write_xrays


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    facades: Path | None = None
    """Folder of facades; without one they are generated."""
    xrays: Path | None = None
    """Folder of chest X-rays and lung masks; without one they are generated."""
    out: Path = Path("runs/facades_to_lungs")
    """Folder for the report, the registry and the generated data."""
    size: int = 128
    """Side of the images in pixels, a multiple of 32; powers of two suit the U-Net."""
    width: int = 32
    """Channels of the U-Net's first level; pix2pix has 64."""
    epochs: int = 20
    """Passes over the facades."""
    lungs_epochs: int = 30
    """Passes over the X-rays, for the new task and for fine-tuning alike."""
    batch_size: int = 4
    """Images a step."""
    learning_rate: float = 2e-4
    """Of every training; that of pix2pix. In short ones four times as much learns more: docs/evidence.md."""
    seed: int = 0
    """Of everything random."""
    resume: bool = False
    """Go on where a run with the same arguments was stopped or killed."""
    score_registry: bool = False
    """Only score the registry in ``out`` and print JSON; the run itself does so in a fresh process."""


@dataclass(frozen=True)
class Data:
    """Both tasks' pairs: to learn from, and to be scored on."""

    facades: PairDataset
    facades_test: PairDataset
    lungs: PairDataset
    lungs_test: PairDataset

    @classmethod
    def read(cls, options: Options) -> Data:
        """Read every file, so that whatever is wrong with one is known before any training starts."""
        facades = options.facades or options.out / "data" / "facades"
        xrays = options.xrays or options.out / "data" / "xrays"
        held_out = facades / "val" if (facades / "val").is_dir() else facades / "test"
        splits = read_splits(xrays / "splits.json")
        lung_variations = PairAugmentation(zoom=(0.85, 1.15), rotation_degrees=8.0, contrast=0.2, brightness=0.2)
        size, seed = options.size, options.seed

        def lungs(side: str, augmentation: PairAugmentation | None) -> PairDataset:
            names = side_of(splits, side, xrays / "splits.json")
            return PairDataset.with_masks(
                xrays / "images", xrays / "masks", size, names=names, augmentation=augmentation, seed=seed
            )

        return cls(
            PairDataset.side_by_side(facades / "train", size, augmentation=PairAugmentation.pix2pix(), seed=seed),
            PairDataset.side_by_side(held_out, size),
            lungs("train", lung_variations),
            lungs("test", None),
        )

    def describe(self) -> None:
        """Say how many pairs there are, and which files were left out and why."""
        for name, dataset in vars(self).items():
            print(f"{name.replace('_', ' ')}: {len(dataset)} pairs")
            for skipped in dataset.skipped:
                print(f"  left out {skipped.name!r}: {skipped.reason}")

    def fixed_scores(self) -> dict[str, dict[str, float]]:
        """Score what never looks at its input, by task: the floor under every score."""
        learned_from = {"facades": self.facades, "lungs": self.lungs}
        return fixed_scores(learned_from, {"facades": self.facades_test, "lungs": self.lungs_test})


def generate_missing_data(options: Options) -> None:
    """Write facades and X-rays of our own making where none were given."""
    folder = options.out / "data"
    if options.facades is None:
        write_facades(folder / "facades" / "train", 160, options.size, seed=options.seed)
        write_facades(folder / "facades" / "val", 20, options.size, seed=options.seed + 1)
    if options.xrays is None:
        files = write_xrays(folder / "xrays", 60, options.size, seed=options.seed)
        names = [image.name for image, _ in files]
        sides = {"train": names[:40], "test": names[40:]}
        (folder / "xrays" / "splits.json").write_text(json.dumps(sides), encoding="utf-8")
