"""Any folders as tasks: where they are, their sides, and what is refused before anything runs."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.evidence import forgetting
from benchmarks.evidence.findings import Results
from benchmarks.evidence.preset import read_preset
from benchmarks.evidence.score_tables import score_rows
from benchmarks.evidence.sources import Sides, Source, located, sides_of
from benchmarks.evidence.task_data import TaskData, generate
from piggygan.errors import ConfigurationError, DatasetError

CHAIN = """
[setting]
size = 32
width = 2
depth = 3
steps = 8
batch_size = 4
readings = 2
scored = "validation"

[sources]
facades = { folder = "facades", form = "side-by-side" }
clinic = { folder = "xrays", form = "masks", patient_letters = 3 }
hearts = { folder = "xrays", form = "masks", masks = "hearts" }

[tasks]
labels = { source = "facades", kind = "labels" }
lungs = { source = "clinic", kind = "mask", films = 5, objective = "supervised", steps = 2 }
hearts = { source = "hearts", kind = "mask", films = 4, objective = "supervised", steps = 3 }

[orders]
chain = ["labels", "lungs", "hearts"]

[[stages]]
orders = ["chain"]
methods = ["separate", "ours"]
seeds = [0]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A chain file, and its data beside it."""
    (tmp_path / "chain.toml").write_text(CHAIN, encoding="utf-8")
    generate(tmp_path / "data", 32)
    shutil.copytree(tmp_path / "data" / "xrays" / "masks", tmp_path / "data" / "xrays" / "hearts")
    return tmp_path


def run(folder: Path, **chosen: object) -> None:
    given = {"preset": str(folder / "chain.toml"), "out": folder / "out", "data": folder / "data"}
    forgetting.main(forgetting.Options(**(given | chosen)))


def changed(folder: Path, old: str, new: str) -> None:
    path = folder / "chain.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def refused_before_anything_runs(folder: Path, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run(folder)
    assert not list((folder / "out").glob("cells/*.json"))


def test_a_chain_of_any_folders_is_learned_and_no_test_side_is_read(folder: Path) -> None:
    shutil.rmtree(folder / "data" / "facades" / "test")
    for name in json.loads((folder / "data" / "xrays" / "splits.json").read_text())["test"]:
        (folder / "data" / "xrays" / "images" / name).unlink()
    run(folder)
    cells = {path.stem: json.loads(path.read_text()) for path in (folder / "out" / "cells").glob("*.json")}
    last = cells["ours.chain.hearts.0"]
    assert "test" not in last
    assert list(last["validation"]) == ["labels", "lungs", "hearts"]
    assert last["pairs"] == {"learned": 4, "validated": 4, "tested": 0}
    assert (last["steps"], cells["ours.chain.lungs.0"]["steps"], cells["separate.alone.labels.0"]["steps"]) == (3, 2, 8)
    assert sorted(last["losses"]) == ["generator.dice", "generator.l1"]
    assert "discriminator.real" in cells["separate.alone.labels.0"]["losses"]
    rows = {row["method"]: row for row in score_rows(Results.read(folder / "out"), ("labels", "lungs", "hearts"))}
    assert rows["ours"]["earlier outputs"] == "same bytes"


def test_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    changed(folder, 'folder = "facades"', 'folder = "houses"')
    refused_before_anything_runs(folder, DatasetError, r"there is no folder .*houses for facades")
    changed(folder, 'folder = "houses"', 'folder = "facades"')
    changed(folder, 'masks = "hearts"', 'masks = "heart"')
    refused_before_anything_runs(folder, DatasetError, r"source 'hearts' needs the folder .*heart, and there is none")


def test_a_cell_of_another_setting_is_refused(folder: Path) -> None:
    run(folder, cells="separate.alone.labels.0")
    before = (folder / "out" / "cells" / "separate.alone.labels.0.json").read_bytes()
    changed(folder, 'kind = "labels"', 'kind = "labels", learning_rate = 8e-4')
    with pytest.raises(ConfigurationError, match=r"separate\.alone\.labels\.0\.json was made with another setting"):
        run(folder)
    assert [path.read_bytes() for path in (folder / "out" / "cells").glob("*.json")] == [before]


def test_films_of_one_patient_on_two_sides_are_refused(folder: Path) -> None:
    changed(folder, "patient_letters = 3", "patient_letters = 2")  # 00 and 01 are learned from, 02 is tested
    words = r"source 'clinic' has films of patient '02' on two sides: .* to learn from and .* to test: keep both on one"
    path = folder / "data" / "xrays" / "splits.json"
    sides = json.loads(path.read_text())
    sides["train"].append(sides["test"].pop())
    path.write_text(json.dumps(sides), encoding="utf-8")
    refused_before_anything_runs(folder, DatasetError, words)


def test_more_films_than_there_are_are_refused(folder: Path) -> None:
    changed(folder, "films = 5", "films = 17")
    refused_before_anything_runs(folder, DatasetError, r"task 'lungs' needs 17 pairs to learn from, and .* has 16")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('form = "masks", patient', 'form = "mask", patient', "the form 'mask': there are side-by-side, masks"),
        ('source = "clinic"', 'source = "clinics"', "no such source as clinics: there are facades, clinic, hearts"),
        ('source = "clinic"', 'source = "facades"', "of the kind mask, which a source of that form does not have"),
        ('kind = "labels"', 'kind = "labels", objective = "supervised"', "supervised, and only masks are"),
    ],
)
def test_what_cannot_be_learned_is_refused_as_it_is_read(folder: Path, old: str, new: str, words: str) -> None:
    changed(folder, old, new)
    with pytest.raises(ConfigurationError, match=words):
        read_preset(str(folder / "chain.toml"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 8\n", "", r"cannot be read: .*'steps'"),
        ("films = 5", "film = 5", "cannot be read: .*'film'"),
        ("[orders]", "[order]", "lacks 'orders': take one of presets as the pattern"),
        ("[orders]", "[orders", "cannot be read: .*line"),
        ('clinic = { folder = "xrays", form = "masks", patient_letters = 3 }', 'clinic = "xrays"', "cannot be read"),
    ],
)
def test_a_file_that_is_no_preset_is_refused_in_words(folder: Path, old: str, new: str, words: str) -> None:
    changed(folder, old, new)
    with pytest.raises(ConfigurationError, match=words):
        read_preset(str(folder / "chain.toml"))


def test_cells_that_nothing_matches_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no cell of preset 'chain' matches 'ours\.chains\.\*': --list shows"):
        run(folder, cells="ours.chains.*")


def test_a_source_is_in_the_folder_of_all_or_where_it_is_said_to_be(tmp_path: Path) -> None:
    sources = {name: Source(f"of_{name}", "side-by-side") for name in ("a", "b")}
    for name in ("of_a", "of_b", "elsewhere"):
        (tmp_path / name).mkdir()
    assert located(sources, ["a", "b"], tmp_path, {"b": tmp_path / "elsewhere"}) == {
        "a": tmp_path / "of_a",
        "b": tmp_path / "elsewhere",
    }
    assert located(sources, ["a"], None, {"a": tmp_path / "of_b"}) == {"a": tmp_path / "of_b"}
    with pytest.raises(DatasetError, match=r"needs b: say where with --data DIR \(it holds of_b\), or --folders b DIR"):
        located(sources, ["a", "b"], None, {"a": tmp_path})
    with pytest.raises(DatasetError, match="--folders names c; the preset's sources are a, b"):
        located(sources, ["a"], tmp_path, {"c": tmp_path})


def test_sides_are_read_by_form(folder: Path) -> None:
    sides = sides_of("facades", Source("facades", "side-by-side"), folder / "data" / "facades")
    assert (len(sides.train), len(sides.test)) == (24, 6)
    sides = sides_of("xrays", Source("xrays", "masks"), folder / "data" / "xrays")
    assert sides == Sides(tuple(f"{n:03}.dcm" for n in range(20)), tuple(f"{n:03}.dcm" for n in range(20, 26)))


def test_few_films_are_others_for_another_seed_and_never_those_kept_back(folder: Path) -> None:
    preset = read_preset(str(folder / "chain.toml"))
    folders = located(preset.sources, preset.sources, folder / "data", {})
    one, other = (TaskData(preset, "lungs", folders, seed).names for seed in (0, 1))
    assert one.learned != other.learned
    assert one.validated == other.validated
    assert not set(one.learned + other.learned) & set(one.validated)
