"""The picture of the README is cut out of the pictures that a demo leaves behind."""

from __future__ import annotations

from pathlib import Path

import torch

from piggygan.data.images import read_image
from piggygan.evaluation.report.pictures import picture_grid
from piggygan.jobs.demo import DemoScale
from piggygan.jobs.folder import RunFolder, TaskFolder
from tools.strip import strip

SIDE = DemoScale().size
BOTH = ["input", "target"]


def grid(path: Path, names: list[str], greys: list[float]) -> None:
    """Write three rows of pictures, of which only the first is to be shown."""
    shades = torch.linspace(-0.1, 0.1, SIDE)
    first = [(shades + grey).expand(3, SIDE, SIDE) for grey in greys]
    others = [torch.full((3, SIDE, SIDE), -1.0) for _ in greys]
    path.parent.mkdir(parents=True)
    path.write_bytes(picture_grid([first, others, others], [""] * 3, names))


def test_it_shows_the_first_pair_of_each_task_and_what_both_ways_make_of_it(tmp_path: Path) -> None:
    lungs = RunFolder.at(tmp_path).task("lungs")
    tuned = TaskFolder(lungs.rival("fine-tuning"), "lungs")
    grid(tuned.earlier("facades"), [*BOTH, "piggygan", "after fine-tuning"], [-0.8, -0.6, -0.4, -0.2])
    grid(lungs.sample(30), [*BOTH, "after 30 epochs"], [0.0, 0.2, 0.4])
    grid(tuned.sample(30), [*BOTH, "after 30 epochs"], [0.0, 0.2, 0.6])
    (tmp_path / "strip.png").write_bytes(strip(tmp_path))
    shown = read_image(tmp_path / "strip.png", 3)
    height, width = shown.shape[1:]
    side, gap = 384, 14
    lefts = [width - side - (3 - column) * (side + gap) for column in range(4)]
    tops = [height - 2 * side - gap, height - side]
    found = [[float(shown[:, top : top + side, left : left + side].mean()) for left in lefts] for top in tops]
    torch.testing.assert_close(
        torch.tensor(found), torch.tensor([[-0.8, -0.6, -0.4, -0.2], [0.0, 0.2, 0.4, 0.6]]), atol=0.01, rtol=0
    )
