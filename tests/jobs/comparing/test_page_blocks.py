"""Other methods stand beside ours on a page with what each left of earlier tasks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.evaluation.report.blocks import Note, Picture, Table
from piggygan.jobs.comparing.comparison import Earlier, Rivalled
from piggygan.jobs.comparing.page_blocks import blocks_beside, figures_beside
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.training.result import TrainedTask, read_result

EARLIER = Earlier("pairs", "test", {"l1": 0.1}, True, {"l1": 0.4})
TUNED = Rivalled("lungs", "fine-tuning", "masks", {"val": {"dice": 0.8}}, 3, 1.0, 5000, {"facades": EARLIER}, ())
ALONE = replace(TUNED, method="separate", scores={"val": {"dice": 0.7}}, earlier={}, notes=("It was short.",))


@pytest.fixture
def lungs(once_learned: Path) -> TrainedTask:
    found = read_result(RunFolder.at(once_learned).task("facades"))
    assert found is not None
    cost = replace(found.cost, parameters=1234)
    scores = {"val": {"dice": 0.9}}
    return replace(found, task="lungs", kind="masks", scores=scores, draws_on=("facades",), cost=cost)


@pytest.fixture
def files(tmp_path: Path) -> TaskFolder:
    return TaskFolder(tmp_path, "lungs")


def test_a_task_that_stands_alone_has_no_table(files: TaskFolder, lungs: TrainedTask) -> None:
    assert list(blocks_beside(files, lungs, [])) == []


def test_each_method_has_a_row_and_earlier_tasks_a_table_and_notes_stay(files: TaskFolder, lungs: TrainedTask) -> None:
    methods, earlier, note = blocks_beside(files, lungs, [TUNED, ALONE])
    assert isinstance(methods, Table)
    assert isinstance(earlier, Table)
    assert [list(row) for row in methods.rows] == [
        ["piggygan", "0.9", "1,234", "kept, see below"],
        ["fine-tuning", "0.8", "5,000", "see below"],
        ["separate", "0.7", "5,000", "a network each"],
    ]
    (row,) = earlier.rows
    assert list(row) == ["facades, l1 (lower is better), test side", "0.1", "the same", "0.4"]
    assert note == Note("It was short.", "bad")


def test_bytes_that_are_not_the_same_are_said_in_red(files: TaskFolder, lungs: TrainedTask) -> None:
    changed = replace(TUNED, earlier={"facades": replace(EARLIER, same_bytes=False)})
    _, earlier, note = blocks_beside(files, replace(lungs, draws_on=()), [changed])
    assert isinstance(earlier, Table)
    assert earlier.rows[0][2] == "NOT THE SAME"
    assert note == Note("Outputs of an earlier task are not what they were: see verify.", "bad")


def test_what_a_method_did_to_an_earlier_task_is_one_figure() -> None:
    better = replace(EARLIER, left={"l1": 0.05})
    changed = replace(better, same_bytes=False)
    figures = list(figures_beside([replace(TUNED, earlier={"a": EARLIER, "b": better, "c": changed}), ALONE]))
    assert [(figure.label, figure.value, figure.tone) for figure in figures] == [
        ("a after fine-tuning", "0.100 to 0.400", "bad"),
        ("b after fine-tuning", "0.100 to 0.050", "plain"),
        ("c after fine-tuning", "0.100 to 0.050", "bad"),
    ]
    assert "piggygan: NOT the bytes of before" in figures[-1].note


def test_pictures_of_an_earlier_task_and_the_last_of_the_learning_are_shown(
    files: TaskFolder, lungs: TrainedTask, once_learned: Path
) -> None:
    png = next(RunFolder.at(once_learned).task("facades").samples.glob("*.png")).read_bytes()
    folder = TaskFolder(files.rival("fine-tuning"), "fine-tuning")
    for path in (folder.earlier("facades"), folder.samples / "000001.png", folder.samples / "000003.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    shown = [block for block in blocks_beside(files, lungs, [TUNED]) if isinstance(block, Picture)]
    assert [picture.png == png for picture in shown] == [True, True]
    assert "after 3 epochs" in shown[1].caption
