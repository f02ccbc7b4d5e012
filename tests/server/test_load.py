"""Many visitors at once, also while tasks are committed and removed: nobody is dropped, and bytes stay."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest

from piggygan.registry import TaskRegistry
from piggygan.server.limits import Limits
from piggygan.server.metrics import resident_bytes
from piggygan.server.service import Service
from piggygan.server.source import Source
from tests.server.conftest import Running

MOST_GROWTH = 100 << 20


@dataclass
class Seen:
    """What visitors got."""

    statuses: Counter[int] = field(default_factory=Counter)
    answers: set[bytes] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)


@pytest.fixture
def served(clinic: Path, tmp_path: Path) -> Iterator[tuple[Running, TaskRegistry]]:
    """A server of a registry that changes."""
    shutil.copytree(clinic, tmp_path / "copy")
    service = Service(Source(tmp_path / "copy"), Limits(megabytes=1, megapixels=1, requests=32), every=0.02)
    running = Running(service)
    yield running, TaskRegistry(tmp_path / "copy")
    running.close()


@contextmanager
def visitors(running: Running, count: int, body: bytes) -> Iterator[Seen]:
    """Let visitors ask for one and the same mask, each over a connection that stays open, while the block runs."""
    seen, lock, ended = Seen(), threading.Lock(), threading.Event()

    def visit() -> None:
        connection = HTTPConnection("127.0.0.1", running.port, timeout=120)
        try:
            while not ended.is_set():
                began = time.perf_counter()
                connection.request("POST", "/api/tasks/lungs/predict", body)
                answer = connection.getresponse()
                content = answer.read()
                with lock:
                    seen.statuses[answer.status] += 1
                    seen.seconds.append(time.perf_counter() - began)
                    if answer.status == 200:
                        seen.answers.add(content)
                if answer.status == 429:
                    ended.wait(float(answer.headers["Retry-After"]))
        except BaseException as error:
            seen.failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=visit) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def committed_and_removed(registry: TaskRegistry, running: Running, times: int) -> None:
    """Commit a task and remove it, over and over; each time the server has to see it before the next."""
    model = registry.load()
    model.add_task("hearts", out_channels=1)
    model.freeze_task("hearts")
    for turn in range(times):
        if turn % 2:
            registry.remove_task("hearts")
        else:
            registry.commit(model, "hearts", image_size=16)
        deadline = time.monotonic() + 60
        while ("hearts" in running.service.current.held.tasks) != (turn % 2 == 0):
            assert time.monotonic() < deadline
            time.sleep(0.005)


def check(seen: Seen, expected: bytes) -> None:
    assert seen.failures == []
    assert set(seen.statuses) <= {200, 429}
    assert seen.answers == {expected}


def changed_under_load(served: tuple[Running, TaskRegistry], body: bytes, times: int) -> Seen:
    running, registry = served
    status, expected = running.ask("POST", "/api/tasks/lungs/predict", body)
    assert status == 200
    with visitors(running, 4, body) as seen:
        committed_and_removed(registry, running, times)
    check(seen, expected)
    assert running.service.current.reloads >= times
    return seen


def test_nobody_is_dropped_while_tasks_come_and_go(
    served: tuple[Running, TaskRegistry], picture: Callable[..., bytes]
) -> None:
    assert changed_under_load(served, picture(), 6).statuses[200] > 6


@pytest.mark.slow
def test_nobody_is_dropped_in_a_thousand_changes(
    served: tuple[Running, TaskRegistry], picture: Callable[..., bytes], record_property: Callable[[str, object], None]
) -> None:
    seen = changed_under_load(served, picture(), 1_000)
    record_property("answered", dict(seen.statuses))


def under_load(running: Running, body: bytes, seconds: float) -> dict[str, object]:
    """Send from 32 visitors, first for a while that fills what is filled once."""
    _, expected = running.ask("POST", "/api/tasks/lungs/predict", body)
    with visitors(running, 32, body):
        time.sleep(seconds / 4)
    before = resident_bytes()
    with visitors(running, 32, body) as seen:
        time.sleep(seconds)
    check(seen, expected)
    assert resident_bytes() - before < MOST_GROWTH
    p50, p99 = np.percentile(seen.seconds, [50, 99])
    return {"statuses": dict(seen.statuses), "p50": p50, "p99": p99, "a second": seen.statuses[200] / seconds}


def test_many_visitors_get_their_mask_or_are_told_to_come_again(
    served: tuple[Running, TaskRegistry], picture: Callable[..., bytes]
) -> None:
    under_load(served[0], picture(), 2.0)


@pytest.mark.slow
def test_many_visitors_for_five_minutes(
    served: tuple[Running, TaskRegistry], picture: Callable[..., bytes], record_property: Callable[[str, object], None]
) -> None:
    record_property("load", under_load(served[0], picture(), 300.0))
