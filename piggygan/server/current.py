"""The tasks that are served now: read again whenever the registry was changed, while requests go on."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from piggygan.errors import PiggyganError
from piggygan.jobs.folder import RunFolder
from piggygan.server.cards import cards
from piggygan.server.held import HeldTasks
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
    """

    held: HeldTasks
    cards: list[dict[str, Any]]


class Current:
    """Has the newest reading of a registry that could be read.

    Args:
        source: The registry; it is read at once.
        every: Seconds between looks.

    Attributes:
        stale: Why what is served is not what is in the folder, a sentence; None: it is.
        reloads: How often it was read again.

    Raises:
        ConfigurationError, RegistryError: As of :class:`~piggygan.server.held.HeldTasks`.
    """

    def __init__(self, source: Source, every: float = EVERY) -> None:
        self._source, self._every = source, every
        self._stamp = source.stamp()
        self.served = _read(source)
        self.stale: str | None = None
        self.reloads = 0

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
            self.served = await asyncio.to_thread(_read, self._source)
        except PiggyganError as error:
            self.stale = " ".join(str(error).split())
            LOG.warning("the registry was changed and cannot be read, so what was served still is: %s", self.stale)
        else:
            self.stale = None
            self.reloads += 1
            LOG.info("the registry was changed: %s tasks are served", len(self.served.cards))
        self._stamp = stamp  # of before it was read: a change since then is seen by the next look


def _read(source: Source) -> Served:
    held = HeldTasks(source.opened())
    return Served(held, cards(held, RunFolder.at(source.folder)))
