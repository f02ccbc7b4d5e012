"""What came of other methods is read as it was written, by name of the method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.comparing.comparison import Earlier, Rivalled, read_rivalled, rivals_of, write_rivalled
from piggygan.jobs.folder import TaskFolder

EARLIER = Earlier("pairs", "test", {"l1": 0.1, "l1_pooled": 0.5}, True, {"l1": 0.4})
TUNED = Rivalled(
    "lungs", "fine-tuning", "masks", {"val": {"dice": 0.9}}, 30, 60.0, 1000, {"facades": EARLIER}, ("Be careful.",)
)


def test_what_is_written_is_read_back_and_all_of_a_task_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = TaskFolder(tmp_path, "lungs")
    assert list(rivals_of(files)) == []
    alone = replace(TUNED, method="separate", earlier={}, notes=())
    for rival in (alone, TUNED):
        folder = files.rival(rival.method)
        folder.mkdir(parents=True)
        write_rivalled(TaskFolder(folder, "lungs"), rival)
    files.rival("unfinished").mkdir()
    assert list(rivals_of(files)) == [TUNED, alone]


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"task": 1}'])
def test_a_damaged_file_is_refused_with_a_way_out(tmp_path: Path, damage: bytes) -> None:
    files = TaskFolder(tmp_path, "lungs")
    files.result.write_bytes(damage)
    with pytest.raises(ConfigurationError, match=r"result\.json' cannot be used: .* to compare anew"):
        read_rivalled(files)


def test_it_says_what_became_of_earlier_tasks() -> None:
    assert str(TUNED).splitlines() == [
        "fine-tuning: val: dice 0.9",
        "facades (test) in the registry: l1 0.1: the same bytes as before",
        "facades (test) after fine-tuning: l1 0.4",
        "Be careful.",
    ]
    changed = replace(TUNED, earlier={"facades": replace(EARLIER, same_bytes=False)})
    assert "l1 0.1: NOT the bytes of before" in str(changed)
