"""Draws the picture of the README from the pictures that a demo leaves behind.

piggygan demo runs/demo && python -m tools.strip runs/demo docs/images/strip.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor

from piggygan.data.images import read_image
from piggygan.evaluation.report.pictures import picture_grid
from piggygan.jobs.demo import DemoScale
from piggygan.jobs.folder import RunFolder, TaskFolder

ROWS, COLUMNS = ["facades", "lungs"], ["input", "truth", "piggygan", "fine-tuned"]
_GAP = 14
"""Dots between the pictures of a grid."""


def strip(demo: Path) -> bytes:
    """Draw the first facade and the first film, what they should become, and what they became after both tasks.

    Args:
        demo: Folder of a demo of the usual scale that has ended.

    Returns:
        A PNG file.
    """
    lungs = RunFolder.at(demo).task("lungs")
    tuned = TaskFolder(lungs.rival("fine-tuning"), "lungs")
    film, mask, ours = _first_row(_last_sample(lungs), 3)
    theirs = _first_row(_last_sample(tuned), 3)[2]
    return picture_grid([_first_row(tuned.earlier("facades"), 4), [film, mask, ours, theirs]], ROWS, COLUMNS)


def _last_sample(files: TaskFolder) -> Path:
    return max(files.samples.glob("*.png"))


def _first_row(path: Path, columns: int) -> list[Tensor]:
    """Cut the pictures of the first row out of a grid, each pixel of a network one pixel again."""
    grid = read_image(path, 3)
    side = (grid.shape[2] - (columns - 1) * _GAP) // columns
    times = side // DemoScale().size
    top = (grid.shape[1] - 2 * _GAP) % side if grid.shape[1] > 3 * side else 0
    lefts = [column * (side + _GAP) for column in range(columns)]
    return [
        grid[:, top : top + side, left : left + side][:, times // 2 :: times, times // 2 :: times] for left in lefts
    ]


if __name__ == "__main__":
    made = strip(Path(sys.argv[1]))
    Path(sys.argv[2]).write_bytes(made)
