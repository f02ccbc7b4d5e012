"""What a server gives to one visitor, so that something is left for the others."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from piggygan.errors import ConfigurationError

MEGA = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The most that one request may take, and how many there may be.

    Raises:
        ConfigurationError: If one is not above 0.

    Example:
        >>> Limits(megabytes=8).bytes
        8388608
    """

    megabytes: int = 64
    """Of a request: files are held in memory, at most four times as much of all requests together."""
    megapixels: int = 16
    """Of a picture, and of what the network is given of it."""
    files: int = 64
    """In one request."""
    requests: int = 32
    """That are answered or wait at once; further ones are told when to come again."""
    seconds: int = 60
    """That a request may take, from its first byte to its answer."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigurationError(f"{field.name} is {value}; a limit is above 0.")

    @property
    def bytes(self) -> int:
        """Of one request."""
        return self.megabytes * MEGA

    @property
    def bytes_in_memory(self) -> int:
        """Of all requests together."""
        return 4 * self.bytes

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return self.megapixels * MEGA
