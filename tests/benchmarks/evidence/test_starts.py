"""What networks know of one another's tasks, in a table."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import piggygan as pg
from benchmarks.evidence import starts
from benchmarks.evidence.cell_run import Place
from benchmarks.evidence.preset import ALONE, Cell, read_preset
from benchmarks.evidence.task_data import generate


def test_a_row_a_task_and_a_column_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset, place = read_preset("smoke"), Place(tmp_path)
    generate(tmp_path / "data", preset.setting.size)
    place.make()
    order, tasks = next(iter(preset.orders.items()))
    for task in tasks:
        torch.manual_seed(len(task))
        network = pg.UNetGenerator(depth=preset.setting.depth, width=preset.setting.width, norm="batch", dropout=True)
        save_file(network.state_dict(), place.weights(Cell("separate", ALONE, task, 0)))
    starts.main(starts.Options(tmp_path, data=tmp_path / "data", preset="smoke", order=order, pairs=4))
    head, _, *rows = capsys.readouterr().out.strip().splitlines()
    assert [name.strip() for name in head.split("|")[1:-1]] == ["to learn", *tasks]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert [row[0] for row in cells] == list(tasks)
    for number, row in enumerate(cells, 1):
        assert row[number] == "-"
        assert all(float(cell) <= 1 for place, cell in enumerate(row) if place not in (0, number))
