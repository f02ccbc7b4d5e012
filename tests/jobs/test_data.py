"""From folders to sides."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from piggygan.jobs.data import DataConfig, open_task_data


def test_a_validation_side_is_drawn_from_the_training_side_where_there_is_none(tmp_path: Path) -> None:
    for side, count in (("train", 8), ("test", 2)):
        (tmp_path / side).mkdir()
        for number in range(count):
            Image.new("RGB", (16, 8), (number, 0, 0)).save(tmp_path / side / f"{number}.png")
    data = open_task_data(DataConfig(data=tmp_path), size=8, seed=0)
    assert data.kind == "pairs"
    assert [len(data.splits[side]) for side in ("train", "val", "test")] == [7, 1, 2]
    assert data.train[0].target.shape == (data.out_channels, 8, 8)
