"""The registry read again when it was changed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from piggygan.errors import CorruptFileError
from piggygan.registry import TaskRegistry
from piggygan.server.current import EVERY, Current
from piggygan.server.problems import Refusal
from piggygan.server.source import Source


@pytest.fixture
def copy(clinic: Path, tmp_path: Path) -> Path:
    shutil.copytree(clinic, tmp_path / "copy")
    return tmp_path / "copy"


def loaded(source: Source, every: float = EVERY) -> Current:
    current = Current(source, every)
    asyncio.run(current.load())
    return current


def names(current: Current) -> list[str]:
    return [card["name"] for card in asyncio.run(current.served()).cards]


def test_what_was_committed_and_removed_is_seen_and_what_is_held_stays(copy: Path) -> None:
    current = loaded(Source(copy))
    before = asyncio.run(current.served())
    TaskRegistry(copy).remove_task("lungs")
    asyncio.run(current.look())
    assert (names(current), before.held.tasks) == (["facades"], ["facades", "lungs"])
    asyncio.run(current.look())  # nothing was changed
    assert (current.reloads, current.stale) == (1, None)


def test_what_cannot_be_read_is_said_and_what_was_served_still_is(copy: Path) -> None:
    current = loaded(Source(copy))
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
    current = loaded(Source(copy, expect=TaskRegistry(copy).digest))
    TaskRegistry(copy).remove_task("lungs")
    asyncio.run(current.look())
    assert names(current) == ["facades", "lungs"]
    assert "expected was sha256:" in str(current.stale)


def test_watching_looks_again_and_again(copy: Path) -> None:
    current = loaded(Source(copy), every=0.01)

    async def watched() -> None:
        watching = asyncio.create_task(current.watch())
        TaskRegistry(copy).remove_task("lungs")
        async with asyncio.timeout(30):
            while current.reloads == 0:
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(watched())
    assert names(current) == ["facades"]


def test_the_head_is_read_at_once_and_the_weights_when_it_runs(copy: Path) -> None:
    current = Current(Source(copy))
    assert (current.held.tasks, current.is_loaded) == (["facades", "lungs"], False)

    async def asked() -> list[str]:
        waiting = asyncio.create_task(current.served())
        await asyncio.sleep(0)
        assert not waiting.done()
        await current.load()
        return [card["name"] for card in (await waiting).cards]

    assert asyncio.run(asked()) == ["facades", "lungs"]


def test_weights_that_are_damaged_are_the_end_and_nobody_waits_for_ever(copy: Path) -> None:
    for file in (copy / "objects").iterdir():
        file.write_bytes(b"")
    current = Current(Source(copy))

    async def asked() -> Refusal:
        waiting = asyncio.create_task(current.served())
        await current.load()
        with pytest.raises(Refusal, match="cannot be loaded") as refused:
            await waiting
        return refused.value

    assert (asyncio.run(asked()).status, current.is_loaded) == (503, False)
    assert isinstance(current.broken, CorruptFileError)
