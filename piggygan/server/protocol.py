"""Connections that are not left open for those who send or take nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""That a request's head may take from the moment that it may be sent."""
TAKING_SECONDS = 20.0
"""That a receiver may take nothing of an answer."""


class PatientProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, with an end to patience.

    uvicorn waits for ever for the first request of a connection, for the rest of a head, and for a receiver.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of a head do not give it more time."""
        was_idle = self._is_idle
        super().data_received(data)
        if not self._is_idle:
            self._stop()
        elif not was_idle or self._timer is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the waiting."""
        self._stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the receiver."""
        super().pause_writing()
        self._wait_for_receiver()

    def resume_writing(self) -> None:
        """Go on."""
        self._stop()
        super().resume_writing()

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._stop()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._end_without_head)

    def _end_without_head(self) -> None:
        if self._is_idle:
            self.transport.close()

    def _wait_for_receiver(self) -> None:
        self._stop()
        self._left = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(TAKING_SECONDS, self._end_without_receiver)

    def _end_without_receiver(self) -> None:
        if self.transport.get_write_buffer_size() >= self._left:
            self.transport.abort()
        else:
            self._wait_for_receiver()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
