"""One file through one task, and the bounds within which requests wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from piggygan.errors import PiggyganError
from piggygan.prediction.options import PredictionOptions
from piggygan.server.answers import Answer, answer_of
from piggygan.server.computing import Workshop
from piggygan.server.current import EVERY, Current
from piggygan.server.held import Ready, pinned
from piggygan.server.limits import Limits
from piggygan.server.metrics import Metrics
from piggygan.server.problems import Refusal
from piggygan.server.source import Source
from piggygan.server.uploads import Memory
from piggygan.server.verifying import Verifier
from piggygan.server.wishes import Wish

_LARGE = 1 << 20
"""Pixels that a network is given, above which one picture at a time is worked on."""


class Service:
    """What the interface answers with.

    Args:
        source: The registry; its head is read at once, and all of it again whenever it was changed.
        limits: What one request may take.
        every: Seconds between looks at whether the registry was changed.

    Attributes:
        end: Called if there is nothing to serve: the registry's weights cannot be read.

    Raises:
        ConfigurationError, RegistryError: As of :class:`~piggygan.server.held.HeldTasks`.
    """

    def __init__(self, source: Source, limits: Limits, every: float = EVERY) -> None:
        self.limits = limits
        self.current = Current(source, every)
        self.verifier = Verifier(source)
        self.workshop = Workshop(limits)
        self.memory = Memory(limits.bytes_in_memory)
        self.metrics = Metrics()
        self.in_flight = 0
        self._one_large = asyncio.Semaphore(1)
        self.end: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do what goes on beside requests, until the block ends."""
        self.workshop.start()
        beside = asyncio.create_task(self._beside())
        try:
            yield
        finally:
            beside.cancel()
            self.verifier.close()
            await asyncio.to_thread(self.workshop.close)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Let a request in that takes time, and give it no more than the limits say.

        Raises:
            Refusal: If too many are being answered, or this one's time is over.
        """
        if self.in_flight >= self.limits.requests:
            raise Refusal(
                429, "busy", f"{self.in_flight} requests are being answered, as many as may be: try again.",
                {"Retry-After": "2"},
            )  # fmt: skip
        self.in_flight += 1
        try:
            async with asyncio.timeout(self.limits.seconds):
                yield
        except TimeoutError:
            raise Refusal(
                503, "too-long", f"it took more than {self.limits.seconds} seconds: try a smaller picture, or later.",
                {"Retry-After": "10"},
            ) from None  # fmt: skip
        finally:
            self.in_flight -= 1

    async def _beside(self) -> None:
        await self.current.load()
        if self.current.broken is not None:
            self.end()
            return
        await asyncio.gather(self.current.watch(), self._prepare())

    async def _prepare(self) -> None:
        """Make every task ready, one after another between requests; else the first visitor of each waits for it."""
        held = self.current.held
        for name in (*map(pinned, held.tasks), *held.ensembles):
            with suppress(PiggyganError):  # who asks for it will be told
                await self.workshop.compute(partial(held.ready, name, None, PredictionOptions()))

    async def answer(self, content: bytes, task: str, wish: Wish, form: str) -> Answer:
        """Put one file through a task.

        Raises:
            PiggyganError, Refusal: If the file, the task or the wish cannot be used.
        """
        held = (await self.current.served()).held  # to the end of this request, whatever is committed meanwhile
        ready = await self.workshop.compute(lambda: held.ready(task, wish.network, wish.options))
        options = replace(wish.options, size=ready.side)
        if options.fit == "tile" or ready.side**2 > _LARGE:
            async with self._one_large:
                return await self._answered(content, ready, options, form, wish.show)
        return await self._answered(content, ready, options, form, wish.show)

    async def _answered(self, content: bytes, ready: Ready, options: PredictionOptions, form: str, show: str) -> Answer:
        film = await self.workshop.film(content, ready, options)
        if film.placement.canvas_height * film.placement.canvas_width > self.limits.pixels:
            raise Refusal(413, "too-large", "the network would be given more pixels than the server allows.")
        made = await self.workshop.translate(ready, film)
        return await self.workshop.write(lambda: answer_of(film, made, ready, options, form, show))
