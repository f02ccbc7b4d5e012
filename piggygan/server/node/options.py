"""Where a node listens, to whom, where its masks go, and how much it takes."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field, fields

from piggygan.errors import ConfigurationError
from piggygan.prediction.options import Viewer

_TITLE = re.compile(r"[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?")
"""An AE title: 1 to 16 letters of ASCII but the backslash, no space at its ends (PS3.5 6.2)."""
_ADDRESS = re.compile(r"(?P<title>.+)@(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^@:\[\]]+)):(?P<port>\d{1,5})")
MEGA = 1 << 20


@dataclass(frozen=True)
class NodeLimits:
    """The most that senders may take.

    Raises:
        ConfigurationError: If one is not above 0.

    Example:
        >>> NodeLimits(megabytes=8).bytes
        8388608
    """

    megabytes: int = 64
    """Of a film as it is sent, and of all films of one association that are not answered yet."""
    megapixels: int = 64
    """Of a film."""
    associations: int = 16
    """At once; further ones are rejected."""
    waiting: int = 10_000
    """Films that wait in the queue; further ones are refused as out of resources."""
    seconds: int = 60
    """That a sender, or the destination, may be silent in the middle of something."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigurationError(f"{one.name} is {value}; a limit is above 0.")

    @property
    def bytes(self) -> int:
        """Of one film."""
        return self.megabytes * MEGA

    @property
    def pixels(self) -> int:
        """Of one film."""
        return self.megapixels * MEGA


@dataclass(frozen=True)
class Destination:
    """Where masks go.

    Attributes:
        title: AE title that is called.
        host: Its address.
        port: Its port.
    """

    title: str
    host: str
    port: int

    @classmethod
    def of_text(cls, text: str) -> Destination:
        """Read ``TITLE@HOST:PORT``.

        Raises:
            ConfigurationError: If it is something else.

        Example:
            >>> Destination.of_text("PACS@[::1]:104")
            Destination(title='PACS', host='::1', port=104)
        """
        found = _ADDRESS.fullmatch(text)
        if found is None or not 0 < int(found["port"]) < 1 << 16:
            raise ConfigurationError(f"destination is {text!r}; needed is TITLE@HOST:PORT, such as PACS@127.0.0.1:104.")
        return cls(checked_title(found["title"]), found["v6"] or found["host"], int(found["port"]))


@dataclass(frozen=True)
class NodeOptions:
    """How a node runs.

    Attributes:
        destination: Where masks go.
        title: Its own AE title.
        host: Address that it listens on; the loopback one is reached from this machine alone.
        port: Its port; 0: any that is free.
        allow: AE titles that may call; empty: any.
        allow_anyone: Listen on another address than the loopback one although any title may call.
        viewer: For which viewer masks are.
        limits: How much it takes.

    Raises:
        ConfigurationError: If a title is none, or other machines could call under any title and nobody said so.
    """

    destination: Destination
    title: str = "PIGGYGAN"
    host: str = "127.0.0.1"
    port: int = 11112
    allow: tuple[str, ...] = ()
    allow_anyone: bool = False
    viewer: Viewer = "any"
    limits: NodeLimits = field(default_factory=NodeLimits)

    def __post_init__(self) -> None:
        for title in (self.title, *self.allow):
            checked_title(title)
        if not (self.allow or self.allow_anyone or _is_loopback(self.host)):
            raise ConfigurationError(
                f"{self.host} is reached from other machines: give --allow for each AE title that may call, or "
                f"--allow-anyone if any may."
            )


def checked_title(title: str) -> str:
    """Return an AE title that is one.

    Raises:
        ConfigurationError: If it is none.
    """
    if not _TITLE.fullmatch(title):
        raise ConfigurationError(f"{title!r} is no AE title; needed are 1 to 16 letters of ASCII without a backslash.")
    return title


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
