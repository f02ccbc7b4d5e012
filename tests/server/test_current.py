"""The registry read again when it was changed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from piggygan.registry import TaskRegistry
from piggygan.server.current import Current
from piggygan.server.source import Source


@pytest.fixture
def copy(clinic: Path, tmp_path: Path) -> Path:
    shutil.copytree(clinic, tmp_path / "copy")
    return tmp_path / "copy"


def names(current: Current) -> list[str]:
    return [card["name"] for card in current.served.cards]


def test_what_was_committed_and_removed_is_seen_and_what_is_held_stays(copy: Path) -> None:
    current = Current(Source(copy))
    before = current.served
    TaskRegistry(copy).remove_task("lungs")
    asyncio.run(current.look())
    assert (names(current), list(before.held.records)) == (["facades"], ["facades", "lungs"])
    asyncio.run(current.look())  # nothing was changed
    assert (current.reloads, current.stale) == (1, None)


def test_what_cannot_be_read_is_said_and_what_was_served_still_is(copy: Path) -> None:
    current = Current(Source(copy))
    before = (copy / "registry.json").read_bytes()
    for bad in (b"{}", b""):
        (copy / "registry.json").write_bytes(bad)
        asyncio.run(current.look())
        assert names(current) == ["facades", "lungs"]
        assert current.stale is not None
        assert "damaged" in current.stale
    (copy / "registry.json").unlink()
    asyncio.run(current.look())
    assert "no registry" in str(current.stale)
    (copy / "registry.json").write_bytes(before)
    asyncio.run(current.look())
    assert current.stale is None


def test_a_registry_that_is_pinned_is_served_as_it_was_approved(copy: Path) -> None:
    current = Current(Source(copy, expect=TaskRegistry(copy).digest))
    TaskRegistry(copy).remove_task("lungs")
    asyncio.run(current.look())
    assert names(current) == ["facades", "lungs"]
    assert "expected was sha256:" in str(current.stale)


def test_watching_looks_again_and_again(copy: Path) -> None:
    current = Current(Source(copy), every=0.01)

    async def watched() -> None:
        watching = asyncio.create_task(current.watch())
        TaskRegistry(copy).remove_task("lungs")
        async with asyncio.timeout(30):
            while current.reloads == 0:
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(watched())
    assert names(current) == ["facades"]
