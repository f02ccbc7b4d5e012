"""Each task of a chain on the films of every other, in a table a method."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.evidence import across_sites
from benchmarks.evidence.cell_run import Place, restored
from benchmarks.evidence.preset import Preset, read_preset
from benchmarks.evidence.sources import located
from benchmarks.evidence.task_data import TaskData, generate
from piggygan.errors import ConfigurationError

PRESET = """
like = "smoke"

[tasks]
facades = { source = "facades", kind = "labels" }
site = { source = "xrays", kind = "mask" }
other-site = { source = "xrays", kind = "mask", films = 4, draw = 1 }

[orders]
chain = ["facades", "site", "other-site"]

[[stages]]
orders = ["chain"]
methods = ["ours", "separate", "fine-tuning"]
seeds = [0]
"""


@pytest.fixture
def options(tmp_path: Path) -> across_sites.Options:
    file = tmp_path / "two.toml"
    file.write_text(PRESET)
    preset = read_preset(str(file))
    generate(tmp_path / "data", preset.setting.size)
    return across_sites.Options(tmp_path, str(file), tmp_path / "data", methods=("ours", "separate", "fine-tuning"))


def leave_weights(preset: Preset, options: across_sites.Options) -> None:
    """Leave what cells would, without learning anything."""
    place = Place(options.out)
    place.make()
    folders = located(preset.sources, preset.needed(preset.tasks), options.data, {})
    for method in options.methods:
        for cell in preset.chain(method, "chain", 0):
            earlier = preset.before(cell)
            data = {step.task: TaskData(preset, step.task, folders, 0) for step in [*earlier, cell]}
            contender = restored(cell, preset, place, data)
            torch.manual_seed(1)
            if earlier:
                contender.begin(cell.task)
            contender.finish(cell.task)
            save_file(
                {name: t.detach().contiguous().clone() for name, t in contender.stored(cell.task).items()},
                place.weights(cell),
            )


def test_a_row_a_task_and_a_column_a_site(options: across_sites.Options, capsys: pytest.CaptureFixture[str]) -> None:
    leave_weights(read_preset(options.preset), options)
    across_sites.main(options)
    said = capsys.readouterr().out
    found = json.loads((options.out / "across_sites.json").read_text())
    assert found.keys() == {"ours", "separate", "fine-tuning"}
    for method, table in found.items():
        assert f"\n{method}\n" in said
        assert [row["task"] for row in table] == ["site", "other-site"]
        assert all(row.keys() == {"task", "on site", "on other-site"} for row in table)
        assert all(row["on site"] == row["on other-site"] for row in table)  # the same films
    fine_tuned = found["fine-tuning"]
    assert {**fine_tuned[0], "task": ""} == {**fine_tuned[1], "task": ""}  # one network, written over


def test_a_page_is_filled_with_the_sites_that_its_mark_names(tmp_path: Path) -> None:
    page, options = tmp_path / "page.md", across_sites.Options(tmp_path, fill=tmp_path / "page.md")
    page.write_text("before\n<!-- across: ours a b -->\nold\n<!-- end -->\nafter\n")
    with pytest.raises(ConfigurationError, match="without --fill first"):
        across_sites.main(options)
    rows = [{"task": task, "on a": f"0.{i}1", "on b": f"0.{i}2", "on c": "0.9"} for i, task in enumerate("abc")]
    (tmp_path / "across_sites.json").write_text(json.dumps({"ours": rows}))
    across_sites.main(options)
    filled = page.read_text()
    assert filled.startswith("before\n<!-- across: ours a b -->\n| task | on a | on b |\n")
    assert "| a | 0.01 | 0.02 |\n| b | 0.11 | 0.12 |\n<!-- end -->\nafter\n" in filled
    page.write_text("<!-- across: ours a d -->\n<!-- end -->\n")
    with pytest.raises(ConfigurationError, match="ours was not compared on d"):
        across_sites.main(options)


def test_what_is_not_done_is_refused_by_name(options: across_sites.Options) -> None:
    with pytest.raises(ConfigurationError, match=r"not done.*ours\.chain\.site\.0"):
        across_sites.main(options)
    with pytest.raises(ConfigurationError, match="there are chain"):
        across_sites.main(across_sites.Options(options.out, options.preset, options.data, order="chian"))
