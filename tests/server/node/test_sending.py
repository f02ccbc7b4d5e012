"""What waits for a destination is delivered when it can be, and put aside when it never will."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pydicom
from pynetdicom.sop_class import SegmentationStorage

from piggygan.server.node.film_queue import FilmQueue, Record
from piggygan.server.node.node import Node
from piggygan.server.node.options import Destination, NodeOptions
from piggygan.server.node.sending import Sending
from tests.server.node.conftest import Archive, store, wait_until

Film = Callable[..., pydicom.Dataset]
RunNode = Callable[..., Node]


def test_a_destination_that_is_down_gets_everything_when_it_is_up(film: Film, run_node: RunNode) -> None:
    first = Archive()
    first.close()  # a port at which nobody listens
    node = run_node(first.port)
    assert store(node, film(0), film(1)) == [0, 0]
    wait_until(lambda: node.queue.first("received") is None)
    time.sleep(0.3)  # in which it is tried more than once
    assert len(node.queue) == 2
    archive = Archive(first.port)
    try:
        assert len(archive.wait_for(2)) == 2
    finally:
        archive.close()


def test_a_destination_that_is_down_for_an_hour_is_asked_each_minute_and_gets_everything(
    film: Film, archive: Archive, tmp_path: Path
) -> None:
    """The hour passes in no time: whoever waits is told that the time is over."""
    port, waited = archive.port, list[float]()
    archive.close()

    class Hour(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            if sum(waited) >= 3600 and not later:
                later.append(Archive(port))
            return self.is_set()

    later, stop, queue = list[Archive](), Hour(), FilmQueue(tmp_path / "queue")
    record = Record("a" * 64, "lungs", None, False, "2026-01-01T00:00:00+00:00")
    for number in range(3):
        film(number, SOPClassUID=SegmentationStorage)  # as good as a mask on its way
        queue.put(str(number), b"film", record)
        queue.made(str(number), (tmp_path / f"film{number}.dcm").read_bytes())
    options = NodeOptions(Destination("ARCHIVE", "127.0.0.1", port))
    sending = threading.Thread(target=Sending(queue, options).run, args=(stop,))
    sending.start()
    wait_until(lambda: len(queue) == 0)
    stop.set()
    queue.wake()
    sending.join()
    (archive,) = later
    assert len(archive.masks) == 3
    assert waited[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert len(waited) < 70
    archive.close()
    queue.close()


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
