"""Sending: masks to their destination by C-STORE, at least once each, under one SOP Instance UID."""

from __future__ import annotations

import errno
import logging
import threading
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import SegmentationStorage  # type: ignore[attr-defined]  # made when it is imported

from piggygan.data.quiet import without_warnings
from piggygan.server.node.film_queue import MASK, FilmQueue, Record
from piggygan.server.node.options import NodeOptions
from piggygan.server.node.retrying import Backoff

LOG = logging.getLogger("piggygan.node")
_EXPLICIT = "1.2.840.10008.1.2.1"
_WARNINGS = (0xB000, 0xB006, 0xB007)
"""It was stored, with a remark (PS3.4 B.2.3)."""
_OUT_OF_RESOURCES = range(0xA700, 0xA800)
_NOT_NOW = (0x0110, 0x0124)
"""Processing failure, not authorized: what is wrong is not the mask."""


class Sending:
    """Sends masks on, in the order in which their films came; what the destination does not take now, it gets later.

    Args:
        queue: Has the masks.
        options: Where they go.
    """

    def __init__(self, queue: FilmQueue, options: NodeOptions) -> None:
        self._queue, self._to = queue, options.destination
        entity = AE(options.title)
        seconds: Any = options.limits.seconds
        entity.acse_timeout = entity.network_timeout = entity.dimse_timeout = entity.connection_timeout = seconds
        entity.add_requested_context(SegmentationStorage, [_EXPLICIT])
        self._entity = entity

    def run(self, stop: threading.Event, first: float = 1.0) -> None:
        """Send until the node is to stop; the mask that is on its way is finished.

        Args:
            stop: Says so.
            first: Seconds before the first repeat.
        """
        backoff = Backoff(stop, first)
        while self._queue.next("done", stop) is not None:
            try:
                went_wrong = self._sent_all(stop, backoff)
            except OSError as error:
                went_wrong = f"the disk refused ({errno.errorcode.get(error.errno or 0)})"
            if went_wrong and not stop.is_set():
                LOG.warning("%s masks wait or are to come: %s", len(self._queue), went_wrong)
                backoff.wait()

    def _sent_all(self, stop: threading.Event, backoff: Backoff) -> str | None:
        """Send what waits on one association; say what went wrong."""
        with without_warnings():  # of a socket that reached nobody, which pynetdicom drops without closing it
            association = self._entity.associate(self._to.host, self._to.port, ae_title=self._to.title)
        if not association.is_established:
            _close(association)
            return "the destination rejects the node" if association.is_rejected else "the destination does not answer"
        try:
            while not stop.is_set() and (key := self._queue.first("done")) is not None:
                went_wrong = self._sent(association, *key)
                if went_wrong is not None:
                    return went_wrong
                backoff.reset()
        finally:
            if association.is_established:
                association.release()
        return None

    def _sent(self, association: Any, key: str, record: Record) -> str | None:
        content = self._queue.path("done", key, MASK).read_bytes()
        try:
            with without_warnings():
                answer = association.send_c_store(dcmread(BytesIO(content)))
        except (RuntimeError, ValueError) as error:  # the association has ended, or has no context for masks
            return f"a mask could not be sent ({type(error).__name__})"
        if "Status" not in answer:
            return "the destination broke off"
        status = int(answer.Status)
        if status in _OUT_OF_RESOURCES or status in _NOT_NOW:
            return f"the destination takes nothing now (0x{status:04X})"
        if status == 0 or status in _WARNINGS:
            self._queue.sent(key)
            LOG.info("the mask of %s was sent", record.name)
        else:
            self._queue.failed(key, "done", f"the destination refused the mask with status 0x{status:04X}.")
            LOG.error("the mask of %s was refused by the destination: 0x%04X", record.name, status)
        return None


def _close(association: Any) -> None:
    """Close a socket that did not reach anybody: pynetdicom leaves it open."""
    if association.dul.socket is not None and association.dul.socket.socket is not None:
        association.dul.socket.socket.close()
