"""What waits for a destination is delivered when it can be, and put aside when it never will."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pydicom

from piggygan.server.node.node import Node
from tests.server.node.conftest import Archive, store, wait_until

Film = Callable[..., pydicom.Dataset]
RunNode = Callable[..., Node]


def test_a_destination_that_is_down_gets_everything_when_it_is_up(film: Film, run_node: RunNode) -> None:
    first = Archive()
    first.close()  # a port at which nobody listens
    node = run_node(first.port)
    assert store(node, film(0), film(1)) == [0, 0]
    time.sleep(0.3)
    assert len(node.queue) == 2
    archive = Archive(first.port)
    try:
        assert len(archive.wait_for(2)) == 2
    finally:
        archive.close()


def test_what_a_destination_has_no_room_for_waits_and_what_it_refuses_is_put_aside(
    film: Film, archive: Archive, run_node: RunNode, tmp_path: Path
) -> None:
    node = run_node(archive.port)
    archive.status = 0xA700
    assert store(node, film(0)) == [0]
    time.sleep(0.5)
    assert len(node.queue) == 1
    archive.status = 0xC000
    wait_until(lambda: len(node.queue) == 0)
    (failed,) = (tmp_path / "queue/failed").iterdir()
    assert "0xC000" in (failed / "record.json").read_text()
    archive.status = 0  # sent again by who has it, it is tried again
    assert store(node, film(0, SOPInstanceUID=pydicom.dcmread(failed / "film.dcm").SOPInstanceUID)) == [0]
    archive.wait_for(1)
