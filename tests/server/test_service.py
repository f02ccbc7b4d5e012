"""Bounds within which requests wait for each other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from piggygan.server.limits import Limits
from piggygan.server.problems import Refusal
from piggygan.server.service import Service
from piggygan.server.source import Source


def test_one_too_many_is_told_when_to_come_again(clinic: Path) -> None:
    service = Service(Source(clinic), Limits(requests=1))

    async def work() -> Refusal:
        async with service.admitted():
            with pytest.raises(Refusal) as refused:
                async with service.admitted():
                    pass
        async with service.admitted():
            pass
        return refused.value

    refusal = asyncio.run(work())
    assert refusal.status == 429
    assert int(refusal.headers["Retry-After"]) > 0


def test_a_request_gets_no_more_time_than_there_is(clinic: Path) -> None:
    service = Service(Source(clinic), Limits(seconds=0.01))  # type: ignore[arg-type]  # so that a test is short

    async def work() -> None:
        async with service.admitted():
            await asyncio.sleep(5)

    with pytest.raises(Refusal) as refused:
        asyncio.run(work())
    assert (refused.value.status, service.in_flight) == (503, 0)


def test_every_task_is_made_ready_before_the_first_visitor_asks(clinic: Path) -> None:
    service = Service(Source(clinic), Limits())

    async def started() -> int:
        async with service.running(), asyncio.timeout(60):
            while service.current.held.prepared < 2:
                await asyncio.sleep(0.01)
        return service.current.held.prepared

    assert asyncio.run(started()) == 2
