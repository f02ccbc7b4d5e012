"""A DICOM server that takes no more memory or time of its own than its limits say, whatever a sender claims.

pynetdicom reads a PDU of whatever length its first bytes announce, waits for its end without a limit, and gathers a
message until its sender says that it ends. Here announcements and silences have bounds, and of a message that is too
large the rest is thrown away as it comes: its sender is told so at its end, by the standard's status.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from piggygan.server.node.options import NodeLimits

LONGEST_PDU = 1 << 20
"""Bytes; the node asks for less, and a request for an association has some kilobytes."""
ASKED_PDU = 1 << 17
"""The longest PDU that the node asks for."""
MOST_OF_A_COMMAND = 1 << 16
"""Bytes of a message's command; it has some hundred."""
_LAST, _COMMAND = 2, 1  # bits of a fragment's first byte (PS3.8 E.2)


class BoundedSocket(AssociationSocket):
    """Reads PDUs of a bounded length, in bounded time."""

    seconds = 60.0
    """For a PDU, or for any part of what is sent to be taken."""

    def recv(self, nr_bytes: int) -> bytearray:
        """Read so many bytes, or fewer where the sender ends.

        Raises:
            OSError: If they are too many, or do not come in time.
        """
        if nr_bytes > LONGEST_PDU:
            raise OSError("a PDU is longer than any that was asked for")
        received, until = bytearray(), time.monotonic() + self.seconds
        while self.socket is not None and len(received) < nr_bytes:
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            piece = self.socket.recv(min(nr_bytes - len(received), 1 << 16))
            if not piece:
                break
            received += piece
        if self.socket is not None:
            self.socket.settimeout(self.seconds)
        return received


class BoundedServer(ThreadedAssociationServer):
    """Accepts a bounded number of connections.

    Attributes:
        limits: How much there may be; set before it serves.
    """

    limits = NodeLimits()

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002  # as socketserver calls it
        """Say whether a connection is let in: more of them than of associations, whose last are rejected in words."""
        return len(self.active_associations) < 2 * self.limits.associations + 8

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: what went wrong with a connection is its sender's, and a traceback may quote it."""


class BoundedRequest(RequestHandler):
    """Makes an association that has bounds."""

    def _create_association(self) -> Any:
        association: Any = super()._create_association()
        server: Any = self.server  # a BoundedServer
        # pynetdicom makes the socket itself, and announces it as it does: what it made is given our way of reading.
        bounded: Any = association.dul.socket
        bounded.__class__ = BoundedSocket
        bounded.seconds = server.limits.seconds
        bounded.socket.settimeout(server.limits.seconds)
        association.kept = Kept(server.limits.bytes)
        return association


class Kept:
    """How much of an association's messages is kept in memory until they are answered.

    Args:
        most: Bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._of_command = self._of_this = 0
        self._is_cut = False
        self._waiting: deque[tuple[int, bool]] = deque()

    def take(self, fragment: bytes) -> bytes:
        """Take what comes; return what is kept of it, which is the whole fragment or its first byte."""
        header = fragment[0]
        if header & _COMMAND:
            self._of_command = 0 if header & _LAST else self._of_command + len(fragment)
            return fragment if self._of_command <= MOST_OF_A_COMMAND else fragment[:1]
        size = len(fragment) - 1
        if self._is_cut or self._held + size > self._most:
            self._is_cut, size, fragment = True, 0, fragment[:1]
        self._held += size
        self._of_this += size
        if header & _LAST:
            self._waiting.append((self._of_this, self._is_cut))
            self._of_this, self._is_cut = 0, False
        return fragment

    def next_is_whole(self) -> bool:
        """Say whether all of the next message is there."""
        return bool(self._waiting) and not self._waiting[0][1]

    def answered(self) -> None:
        """Forget the next message, which was answered."""
        if self._waiting:
            self._held -= self._waiting.popleft()[0]


def on_pdu(event: Any) -> None:
    """Throw away what is too much, before anybody gathers it."""
    if isinstance(event.pdu, P_DATA_TF):
        for item in event.pdu.presentation_data_value_items:
            if item.presentation_data_value:
                item.presentation_data_value = event.assoc.kept.take(item.presentation_data_value)
