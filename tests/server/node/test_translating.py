"""A film's mask is the same file however often it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from piggygan.errors import TaskNotFoundError
from piggygan.server.held import HeldTasks
from piggygan.server.node.film_queue import FilmQueue, Record
from piggygan.server.node.options import NodeLimits
from piggygan.server.node.rules import Rule, Rules
from piggygan.server.node.translating import Translating, check_tasks
from piggygan.server.source import Source

RECEIVED = "2026-01-01T00:00:00+00:00"


def test_a_mask_that_is_made_again_is_the_same_file(
    film: Callable[..., pydicom.Dataset], clinic: Path, tmp_path: Path
) -> None:
    film(0)
    queue, held = FilmQueue(tmp_path / "queue"), HeldTasks(Source(clinic).opened())
    record = Record("a" * 64, "lungs", 1, True, RECEIVED)
    queue.put("film", (tmp_path / "film0.dcm").read_bytes(), record)
    masks = []
    for _ in range(2):
        translating = Translating(queue, held, NodeLimits())
        masks.append(translating.mask_of("film", record))
        translating._reader.close()
    assert masks[0] == masks[1]
    with pytest.raises(TaskNotFoundError):
        check_tasks(held, Rules((Rule("spleens"),)))
    queue.close()
