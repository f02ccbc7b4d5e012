"""The whole experiment on next to nothing: cells, resuming, joining, tables and the page."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.evidence import forgetting
from benchmarks.evidence.cell_run import Place
from benchmarks.evidence.findings import Results
from benchmarks.evidence.preset import Preset, read_preset
from benchmarks.evidence.score_tables import claim_rows, cost_rows, score_rows
from benchmarks.evidence.sources import located
from piggygan.errors import ConfigurationError, DatasetError

TINY = """
[setting]
size = 32
width = 2
depth = 3
steps = 4
batch_size = 4
readings = 2

[sources]
facades = { folder = "facades", form = "side-by-side" }
xrays = { folder = "xrays", form = "masks" }

[tasks]
labels = { source = "facades", kind = "labels" }
photos = { source = "facades", kind = "photo" }
lungs = { source = "xrays", kind = "mask" }
lungs-5 = { source = "xrays", kind = "mask", films = 5 }
lungs-5-fast = { source = "xrays", kind = "mask", films = 5, learning_rate = 8e-4 }

[orders]
three = ["labels", "lungs", "photos"]
few = ["labels", "lungs-5"]
few-fast = ["labels", "lungs-5-fast"]

[[stages]]
orders = ["three"]
methods = ["separate", "ours", "fine-tuning", "low-rank", "replay"]
seeds = [0]

[[stages]]
orders = ["few"]
methods = ["ours"]
seeds = [0]

[[stages]]
orders = ["few-fast"]
methods = ["ours"]
seeds = [0]
"""
ORDER = ("labels", "lungs", "photos")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny experiment was run."""
    folder = tmp_path_factory.mktemp("forgetting")
    preset = write_preset(folder)
    forgetting.generate(folder / "data", preset.setting.size)
    folders = located(preset.sources, preset.sources, folder / "data", {})
    forgetting.run_all(preset.cells(), preset, folders, Place(folder), forgetting.random_features())
    return folder


def write_preset(folder: Path) -> Preset:
    (folder / "tiny.toml").write_text(TINY, encoding="utf-8")
    return read_preset(str(folder / "tiny.toml"))


def options(folder: Path, **chosen: object) -> forgetting.Options:
    return forgetting.Options(preset=str(folder / "tiny.toml"), out=folder, data=folder / "data", **chosen)


def test_every_cell_leaves_a_result_and_each_comes_after_those_it_starts_from(done: Path) -> None:
    preset = write_preset(done)
    names = [cell.name for cell in preset.cells()]
    assert {path.stem for path in (done / "cells").glob("*.json")} == set(names)
    assert names[0] == "separate.alone.labels.0"
    for cell in preset.cells():
        assert all(names.index(step.name) < names.index(cell.name) for step in preset.before(cell))


def test_the_table_has_a_row_a_method_and_exact_zeros_where_nothing_is_shared(done: Path) -> None:
    found = {row["method"]: row for row in score_rows(Results.read(done), ORDER)}
    assert set(found) == {"separate", "ours", "fine-tuning", "low-rank", "replay"}
    for method, row in found.items():
        assert set(ORDER) <= set(row)
        forgets = method in ("fine-tuning", "replay")
        assert row["earlier outputs"] == ("2 of 2 changed" if forgets else "same bytes")
        if not forgets:
            assert (row["forgetting"], row["backward transfer"]) == ("0.000", "0.000")
    assert found["separate"]["forward transfer"] == "0.000"


def test_costs_are_counted_against_a_network_a_task_and_the_least_comes_first(done: Path) -> None:
    found = {row["method"]: row["/ separate"] for row in cost_rows(Results.read(done), ORDER)}
    assert (found["separate"], found["fine-tuning"]) == ("1.000", "0.333")
    assert 0.333 < float(found["ours"]) < 1
    assert list(found.values()) == sorted(found.values())


def test_claims_set_ours_against_every_other_method_on_every_task(done: Path) -> None:
    found = claim_rows(Results.read(done), ORDER)
    assert {row["ours minus"] for row in found} == {"separate", "fine-tuning", "low-rank", "replay"}
    assert all(
        row["labels"] == "+0.000 [+0.000, +0.000]" for row in found if row["ours minus"] in ("separate", "low-rank")
    )


def test_a_cell_that_is_done_is_not_run_again(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (done / "cells").glob("*.json")}
    forgetting.main(options(done))
    assert capsys.readouterr().out == ""
    assert {path: path.stat().st_mtime_ns for path in (done / "cells").glob("*.json")} == before


def test_a_cell_that_is_run_anew_finds_the_same_bytes(done: Path, tmp_path: Path) -> None:
    copied = tmp_path / "again"
    shutil.copytree(done, copied)
    name = "ours.three.lungs.0"
    (copied / "cells" / f"{name}.json").unlink()
    forgetting.main(options(copied, cells="ours.three.lungs.*"))
    once, again = (json.loads((folder / "cells" / f"{name}.json").read_text())["test"] for folder in (done, copied))
    assert [once[task]["sha256"] for task in once] == [again[task]["sha256"] for task in once]


def test_a_task_is_learned_at_its_own_learning_rate(done: Path) -> None:
    cells = [
        json.loads((done / "cells" / f"ours.{name}.0.json").read_text())
        for name in ("few.lungs-5", "few-fast.lungs-5-fast")
    ]
    found = [next(tested["sha256"] for task, tested in cell["test"].items() if task != "labels") for cell in cells]
    assert [cell["tasks"][cell["cell"]["task"]]["learning_rate"] for cell in cells] == [2e-4, 8e-4]
    assert found[0] != found[1]


def test_cells_of_two_machines_are_joined_by_copying(done: Path, tmp_path: Path) -> None:
    for path in (done / "cells").glob("*.json"):
        half = tmp_path / ("one" if "replay" in path.name else "other") / "cells"
        half.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, half)
    assert "replay" not in {row["method"] for row in score_rows(Results.read(tmp_path / "other"), ORDER)}
    shutil.copytree(tmp_path / "one", tmp_path / "other", dirs_exist_ok=True)
    assert score_rows(Results.read(tmp_path / "other"), ORDER) == score_rows(Results.read(done), ORDER)


def test_cells_of_different_settings_are_not_joined(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "cells", tmp_path / "cells")
    path = tmp_path / "cells" / "separate.alone.lungs.0.json"
    found = json.loads(path.read_text())
    found["setting"]["steps"] += 1
    path.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="different settings"):
        Results.read(tmp_path)


def test_the_page_and_the_evidence_are_made_from_the_cells_alone(done: Path, tmp_path: Path) -> None:
    for name in ("cells", "samples"):
        shutil.copytree(done / name, tmp_path / name)
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    page = tmp_path / "evidence.md"
    page.write_text(
        "a\n<!-- scores: labels lungs photos -->\nold\n<!-- end -->\n"
        "<!-- goals: labels lungs photos -->\n<!-- end -->\n<!-- photos: labels lungs photos -->\n<!-- end -->\n"
        "<!-- rates: labels lungs-5 -->\n<!-- end -->\n<!-- costs: labels lungs photos -->\n<!-- end -->\n"
        "b\n<!-- photos: never run -->\n<!-- end -->\n<!-- scores: never run -->\n<!-- end -->\n",
        encoding="utf-8",
    )
    forgetting.main(forgetting.Options(preset=str(tmp_path / "tiny.toml"), out=tmp_path, page=True, fill=page))
    html = (tmp_path / "forgetting.html").read_text(encoding="utf-8")
    assert all(f'<th scope="row">{method}</th>' in html for method in ("ours", "separate", "fine-tuning"))
    assert all(f"{task}, its score: pale is 0, dark is 1." in html for task in ORDER)
    assert "lungs, after all tasks." in html
    assert (tmp_path / "quality.png").read_bytes().startswith(b"\x89PNG")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("a\n<!-- scores: labels lungs photos -->\n| method |")
    assert "old" not in text
    assert (
        "| method | task | seeds | separate | score | minus separate | relative | may be below by | within the goal |"
        in text
    )
    assert "| method | seeds | parameters | / separate | MB | s a task | peak MiB | ms an image |" in text
    assert "| method | seeds | task | l1 | ssim | fid, random features | kid, random features |" in text
    assert "| task | method | seeds | 0.0002 | 0.0002 / 0.0008 |" in text
    assert text.count("Not run yet.") == 2
    assert text.endswith("<!-- scores: never run -->\nNot run yet.\n<!-- end -->\n")


def test_missing_data_are_named(tmp_path: Path) -> None:
    write_preset(tmp_path)
    with pytest.raises(DatasetError, match=r"there is no folder .*facades, .*xrays for facades, xrays: correct --data"):
        forgetting.main(options(tmp_path))


@pytest.mark.parametrize("name", ["smoke", "small", "full"])
def test_the_presets_can_be_read_and_begin_with_what_tells_most(name: str) -> None:
    preset = read_preset(name)
    first = [(cell.method, cell.task) for cell in preset.cells()[:6]]
    assert first[:3] == [("separate", "facades-to-labels"), ("separate", "lungs"), ("ours", "lungs")]
    assert {method for method, _ in first} == {"separate", "ours", "fine-tuning", "frozen-base", "low-rank"}


def test_orders_that_begin_alike_share_their_cells() -> None:
    preset = read_preset("small")
    assert preset.chain("ours", "four", 0)[:2] == preset.chain("ours", "labels-lungs", 0)


def test_a_preset_like_another_has_all_of_it_but_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('like = "small"\n[orders]\nlabels-lungs = ["facades-to-labels", "lungs"]\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="'mine': stage 2 has no such order as four"):
        read_preset(str(path))
    small, full = read_preset("small"), read_preset("full")
    assert full.cells() == small.cells()
    assert (small.setting.size, full.setting.size) == (128, 256)


def test_a_preset_that_names_nothing_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(TINY.replace('"low-rank"', '"lowrank"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no such method as lowrank"):
        read_preset(str(path))
    with pytest.raises(ConfigurationError, match="no preset 'middle': give one of full, hospitals, rod, small, smoke"):
        read_preset("middle")


def test_the_smoke_preset_runs_and_its_zeros_are_exact(tmp_path: Path) -> None:
    forgetting.main(forgetting.Options(preset="smoke", out=tmp_path))
    results = Results.read(tmp_path)
    for order in results.orders():
        for row in score_rows(results, order):
            forgets = row["method"] in ("fine-tuning", "replay", "distillation") or (
                row["method"] == "joint" and order[-1] == "lungs-5"  # its network of all lungs is learned anew
            )
            assert (row["earlier outputs"] == "same bytes") is not forgets
    joint = json.loads((tmp_path / "cells" / "joint.lungs-twice.lungs-5.0.json").read_text())
    alone = json.loads((tmp_path / "cells" / "separate.alone.lungs.0.json").read_text())
    assert joint["pairs"]["learned"] == alone["pairs"]["learned"] + 5
    assert joint["steps"] == pytest.approx(2 * alone["steps"], abs=5)
