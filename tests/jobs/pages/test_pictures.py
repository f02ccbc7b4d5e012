"""What is kept of some pairs: inputs, targets, and what networks make of them, there and back."""

from pathlib import Path

from PIL import Image
from torch import Tensor

from piggygan.jobs.data import TaskData
from piggygan.jobs.pages.pictures import draw_pairs
from piggygan.jobs.training.learner import Learner


class Same(Learner):
    def translate(self, images: Tensor) -> Tensor:
        return images

    def translate_back(self, images: Tensor) -> Tensor:
        return images


def width(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


def test_each_network_has_a_column_and_two_networks_one_more_for_what_comes_back(
    facades: TaskData, tmp_path: Path
) -> None:
    one, both = Same({}, "task"), Same({"backward": None}, "task")  # type: ignore[dict-item]
    ways = {"a": {"now": one}, "b": {"now": both}, "c": {"now": one, "later": one}}
    for name, by in ways.items():
        draw_pairs(tmp_path / "new" / f"{name}.png", facades.kind, facades.validation, by)
    widths = {name: width(tmp_path / "new" / f"{name}.png") for name in ways}
    assert widths["a"] < widths["b"] == widths["c"]
