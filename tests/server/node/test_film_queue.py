"""The queue on disk: a film is at one step or the next, whatever ends the process, and is known when it comes again."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from piggygan.errors import ConfigurationError
from piggygan.server.node import film_queue
from piggygan.server.node.film_queue import FilmQueue, Record, key_of

RECORD = Record("a" * 64, "lungs", None, False, "2026-01-01T00:00:00+00:00")
KEY = key_of("1.2.3")


class Killed(BaseException):
    """What stands for the end of the process."""


def test_a_film_goes_its_way_and_is_remembered(tmp_path: Path) -> None:
    queue = FilmQueue(tmp_path / "queue")
    assert queue.put(KEY, b"film", RECORD) == "new"
    assert queue.next("received", threading.Event()) == (KEY, RECORD)
    for step in (lambda: None, lambda: queue.made(KEY, b"mask"), lambda: queue.sent(KEY)):
        step()
        assert queue.put(KEY, b"film", RECORD) == "known"
        assert queue.put(KEY, b"other", replace(RECORD, pixels="b" * 64)) == "other"
    assert len(queue) == 0
    assert sorted(path.name for path in (tmp_path / "queue").rglob("*") if path.is_file()) == [".lock", f"{KEY}.json"]
    assert (tmp_path / "queue").stat().st_mode & 0o077 == 0
    queue.close()


def test_what_failed_is_kept_and_tried_again_when_it_comes_again(tmp_path: Path) -> None:
    queue = FilmQueue(tmp_path)
    queue.put(KEY, b"film", RECORD)
    queue.failed(KEY, "received", "why")
    assert queue.path("failed", KEY, "film.dcm").read_bytes() == b"film"
    assert queue.put(KEY, b"other", replace(RECORD, pixels="b" * 64)) == "other"
    assert queue.put(KEY, b"film", RECORD) == "new"
    assert not (tmp_path / "failed" / KEY).exists()
    queue.close()


@pytest.mark.parametrize("call", ["mkdir", "sync_folder", "write_durably", "rename", "rmtree"])
@pytest.mark.parametrize("number", range(9))
def test_a_kill_at_any_step_loses_nothing_and_makes_nothing_twice(
    tmp_path: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends the process just before the call of a number, takes the queue up again and finishes."""
    queue, left, at_end = FilmQueue(tmp_path), [number], [False]
    accepted = delivered = 0
    owner = {"mkdir": Path, "rename": Path, "rmtree": film_queue.shutil}.get(call, film_queue)
    former = getattr(owner, call)

    def ending(*arguments: object, **named: object) -> object:
        if not at_end[0] and left[0] == 0:
            at_end[0] = True
            raise Killed
        left[0] -= 1
        return former(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, ending)
        try:
            queue.put(KEY, b"film", RECORD)
            accepted = 1
            queue.made(KEY, b"mask")
            delivered = 1  # from here on its mask may be with the destination
            queue.sent(KEY)
        except Killed:
            pass
    queue.close()
    again = FilmQueue(tmp_path)
    if not accepted:  # the sender was told nothing, and sends it again
        assert again.put(KEY, b"film", RECORD) in ("new", "known")
    if again.first("received"):
        assert not delivered
        assert again.path("received", KEY, "film.dcm").read_bytes() == b"film"
        again.made(KEY, b"mask")
    if again.first("done"):
        assert again.path("done", KEY, "segmentation.dcm").read_bytes() == b"mask"
        again.sent(KEY)
    assert again.put(KEY, b"film", RECORD) == "known"
    assert len(again) == 0
    assert not list((tmp_path / "incoming").iterdir())
    assert not list((tmp_path / "done").iterdir())
    again.close()


def test_films_leave_room_for_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = FilmQueue(tmp_path, room=1_000)
    queue.put(KEY, b"film", RECORD)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_003))
    with pytest.raises(OSError, match="for masks"):
        queue.put("other", b"film", RECORD)
    assert queue.put(KEY, b"film", RECORD) == "known"
    assert not list((tmp_path / "incoming").iterdir())
    queue.made(KEY, b"mask")
    queue.sent(KEY)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_004))
    assert queue.put("other", b"film", RECORD) == "new"
    queue.close()


def test_what_a_kill_in_the_middle_of_a_write_left_is_swept(tmp_path: Path) -> None:
    """Each kill would leave one more for ever: beside the records, and with films that fail later."""
    queue = FilmQueue(tmp_path)
    for key in ("waits", "made"):
        queue.put(key, b"film", RECORD)
    queue.made("made", b"mask")
    queue.close()
    half = [
        tmp_path / "sent/.made.json.123.0123abcd.tmp",
        tmp_path / "received/waits/.segmentation.dcm.123.0123abcd.tmp",
        tmp_path / "done/made/.record.json.123.0123abcd.tmp",
    ]
    for path in half:
        path.write_bytes(b"half")
    again = FilmQueue(tmp_path)
    assert not [path for path in half if path.exists()]
    assert len(again) == 2
    again.close()


def test_one_process_has_a_queue_and_what_is_strange_in_it_is_said(tmp_path: Path) -> None:
    queue = FilmQueue(tmp_path)
    with pytest.raises(ConfigurationError, match="another node"):
        FilmQueue(tmp_path)
    queue.close()
    (tmp_path / "received/stranger").mkdir()
    with pytest.raises(ConfigurationError, match="move the entry aside"):
        FilmQueue(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        FilmQueue(tmp_path / "file")


def test_waiting_ends_when_the_node_is_to_stop(tmp_path: Path) -> None:
    queue, stop = FilmQueue(tmp_path), threading.Event()
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(queue.next("done", stop)))
    waiting.start()
    stop.set()
    queue.wake()
    waiting.join(10)
    assert found == [None]
    queue.close()
