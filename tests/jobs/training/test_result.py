"""What came of a task is read as it was written, and says in words whether it was learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.training.result import TrainedTask, read_result, write_result


@pytest.fixture
def result(once_learned: Path) -> TrainedTask:
    found = read_result(RunFolder.at(once_learned).task("facades"))
    assert found is not None
    return found


def test_what_is_written_is_read_back(result: TrainedTask, tmp_path: Path) -> None:
    files = TaskFolder(tmp_path, "facades")
    assert read_result(files) is None
    write_result(files, result)
    assert read_result(files) == result


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"task": NaN}', b"\xff"])
def test_a_damaged_file_is_refused_with_a_way_out(tmp_path: Path, damage: bytes) -> None:
    files = TaskFolder(tmp_path, "facades")
    files.result.write_bytes(damage)
    with pytest.raises(ConfigurationError, match=r"result\.json' cannot be used: .* in the registry is not touched"):
        read_result(files)


def test_a_task_is_learned_if_it_scores_more_than_its_floor_on_the_side_that_was_scored_last(
    result: TrainedTask,
) -> None:
    masks = replace(result, kind="masks", scores={"val": {"dice": 0.9}, "test": {"dice": 0.5}}, floor={"dice": 0.6})
    assert (masks.side, masks.is_learned) == ("test", False)
    assert "NOT LEARNED: one and the same answer for every input scores as much (test side)" in str(masks)
    only_validated = replace(masks, scores={"val": {"dice": 0.9}})
    assert (only_validated.side, only_validated.is_learned) == ("val", True)
    assert "NOT LEARNED" not in str(only_validated)
    assert replace(masks, floor={}).is_learned is None


def test_pooled_scores_are_written_and_not_told(result: TrainedTask) -> None:
    told = str(replace(result, scores={"val": {"dice": 0.98765, "dice_pooled": 0.5}}, kind="masks", floor={}))
    assert "val: dice 0.9877\n" in told
    assert "pooled" not in told
    assert "verified facades: equal" in told
