"""Strangers who mean ill: each is refused, the server lives, and its memory stays under its limit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from piggygan.server import entrance, protocol, uploads
from piggygan.server.metrics import resident_bytes
from tests.server.conftest import Running
from tests.server.hostile import Request, requests

MOST_GROWTH = 200 << 20


def status_of(running: Running, request: Request) -> str:
    """Send a request, again if the server is busy, and give the status of its answer; "ended": there was none."""
    for _ in range(200):
        found = re.match(rb"HTTP/1\.1 (\d+)", running.send(*request))
        if found is None:
            return "ended"
        if found[1] != b"429":
            return found[1].decode()
    return "429"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LONGEST_SILENCE", 1.0)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(entrance, "DRAINING_SECONDS", 0.1)


def attack(running: Running, picture: Callable[..., bytes], count: int, seed: int) -> Counter[tuple[str, str]]:
    before = resident_bytes()
    with ThreadPoolExecutor(4) as pool:
        asked = list(requests(count, seed))
        statuses = pool.map(lambda one: status_of(running, one[1]), asked)
        found = Counter((name, status) for (name, _), status in zip(asked, statuses, strict=True))
    assert running.ask("GET", "/health")[0] == 200
    assert running.ask("POST", "/api/tasks/lungs/predict", picture())[0] == 200
    assert running.service.memory.held == 0
    assert resident_bytes() - before < MOST_GROWTH
    assert {status for _, status in found} <= {"400", "403", "404", "405", "408", "413", "415", "421", "422", "431"}, (
        found
    )
    return found


def test_two_hundred_are_refused(running: Running, picture: Callable[..., bytes]) -> None:
    found = attack(running, picture, 200, seed=1)
    assert len({name for name, _ in found}) == 6


@pytest.mark.slow
def test_five_thousand_are_refused(
    running: Running, picture: Callable[..., bytes], record_property: Callable[[str, object], None]
) -> None:
    found = attack(running, picture, 5_000, seed=2)
    record_property("refused", dict(sorted(found.items())))
