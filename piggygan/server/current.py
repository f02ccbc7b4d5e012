"""The tasks that are served now: read again whenever the registry was changed, while requests go on."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from piggygan.errors import PiggyganError
from piggygan.jobs.folder import RunFolder
from piggygan.server.cards import cards, ensembles
from piggygan.server.held import HeldTasks
from piggygan.server.problems import Refusal
from piggygan.server.source import Source

LOG = logging.getLogger("piggygan.server")
EVERY = 1.0
"""Seconds between looks at whether the registry was changed."""


@dataclass(frozen=True)
class Served:
    """One reading of the registry: a request that began with it ends with it.

    Attributes:
        held: The tasks.
        cards: What is told of each.
        ensembles: What is told of those that answer together.
    """

    held: HeldTasks
    cards: list[dict[str, Any]]
    ensembles: list[dict[str, Any]]


class Current:
    """Has the newest reading of a registry that could be read.

    Its head is read at once, so that what cannot be served is said at the start; its weights while the first visitors
    come.

    Args:
        source: The registry.
        every: Seconds between looks.

    Attributes:
        held: The tasks of the newest reading; whose weights are in memory once :meth:`served` has returned.
        broken: Why the weights could not be read at the start: then nothing is ever served.
        stale: Why what is served is not what is in the folder, a sentence; None: it is.
        reloads: How often it was read again.

    Raises:
        ConfigurationError, RegistryError: As of :class:`~piggygan.server.held.HeldTasks`.
    """

    def __init__(self, source: Source, every: float = EVERY) -> None:
        self._source, self._every = source, every
        self._stamp = source.stamp()
        self.held = HeldTasks(source.opened())
        self._served: Served | None = None
        self._is_decided = asyncio.Event()
        self.broken: Exception | None = None
        self.stale: str | None = None
        self.reloads = 0

    @property
    def is_loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._served is not None

    async def served(self) -> Served:
        """Wait until the weights are in memory.

        Raises:
            Refusal: If they cannot be read.
        """
        await self._is_decided.wait()
        if self._served is None:
            raise Refusal(503, "not-loaded", "the registry's files cannot be loaded: the server ends.")
        return self._served

    async def load(self) -> None:
        """Bring the weights into memory; what goes wrong is kept as ``broken``."""
        try:
            self._served = await asyncio.to_thread(_loaded, self.held, self._source)
        except Exception as error:
            self.broken = error
        finally:
            self._is_decided.set()

    async def watch(self) -> None:
        """Read the registry again whenever it was changed; ends when it is cancelled."""
        while True:
            await asyncio.sleep(self._every)
            with suppress(OSError):
                await self.look()

    async def look(self) -> None:
        """Read the registry again if it was changed; if it cannot be read, what was served still is."""
        stamp = await asyncio.to_thread(self._source.stamp)
        if stamp == self._stamp:
            return
        try:
            # In another thread than the one that computes: requests go on meanwhile, with what they began with.
            served = await asyncio.to_thread(_read, self._source)
        except PiggyganError as error:
            self.stale = " ".join(str(error).split())
            LOG.warning("the registry was changed and cannot be read, so what was served still is: %s", self.stale)
        else:
            served.held.inherit(self.held)
            self._served, self.held = served, served.held
            self.stale = None
            self.reloads += 1
            LOG.info("the registry was changed: %s tasks are served", len(served.cards))
        self._stamp = stamp  # of before it was read: a change since then is seen by the next look


def _read(source: Source) -> Served:
    return _loaded(HeldTasks(source.opened()), source)


def _loaded(held: HeldTasks, source: Source) -> Served:
    told = cards(held, RunFolder.at(source.folder))
    return Served(held, told, ensembles(held, told))
