"""Pictures of some pairs of a side, beside what networks make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from piggygan.data.batches import collate_pairs
from piggygan.data.pairs import Pair, PairDataset
from piggygan.data.unpaired import UnpairedDataset
from piggygan.evaluation.report.pictures import picture_grid
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder
from piggygan.jobs.source import Kind
from piggygan.jobs.training.learner import BACKWARD, Learner

SHOWN = 3
"""Pairs whose pictures are kept."""
_SHOWABLE = (1, 3)


def draw_pairs(
    path: Path, kind: Kind, side: PairDataset | UnpairedDataset, by: Mapping[str, Learner], shown: int = SHOWN
) -> None:
    """Write a PNG of some pairs from everywhere in a side: inputs, targets, and what networks make of the inputs.

    Two networks also make inputs of that again.

    Args:
        path: Of the file; its folder is made.
        kind: Of the data.
        side: Which is shown as it is, without variations.
        by: Networks, in evaluation mode, by what stands above their column.
        shown: Of how many pairs, at most.

    Raises:
        OSError: If the system refused.
    """
    side.set_epoch(0)
    pairs = [side[index * len(side) // shown] for index in range(shown)] if len(side) >= shown else [*_all(side)]
    batch = collate_pairs(pairs)
    made: dict[str, Tensor] = {}
    with torch.inference_mode():
        for name, learner in by.items():
            output = learner.translate(batch.input)
            made[name] = output.float().clamp(-1, 1).cpu()
            if BACKWARD in learner.models:
                made[f"{name}, and back"] = learner.translate_back(output).float().clamp(-1, 1).cpu()
    target = "of the other side" if kind == "unpaired" else "target"
    rows: list[list[Tensor | None]] = [
        [_showable(one) for one in row] for row in zip(batch.input, batch.target, *made.values(), strict=True)
    ]
    png = picture_grid(rows, [""] * len(rows), ["input", target, *made])
    make_folder(path.parent)
    write_durably(path, png)


def _all(side: PairDataset | UnpairedDataset) -> Iterator[Pair]:
    return (side[index] for index in range(len(side)))


def _showable(picture: Tensor) -> Tensor:
    """Bring a picture of any number of channels to grey or colour: of several classes, what any of them has."""
    return picture if picture.shape[0] in _SHOWABLE else picture.amax(0, keepdim=True)
