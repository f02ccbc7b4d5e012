"""Part: one of several parts of a list of films, for several machines; a film is in the same part for ever."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass

from piggygan.errors import ConfigurationError

_WRITTEN = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True)
class Part:
    """The films whose name's digest leaves a certain rest: whatever other films there are, a film is in one part.

    Attributes:
        number: Which part, 1 to ``count``.
        count: How many there are.

    Raises:
        ConfigurationError: If there is no such part.

    Example:
        >>> [Part(number, 3).has("a/film.png") for number in (1, 2, 3)]
        [True, False, False]
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ConfigurationError(f"part is {self}; needed is such as 3/8, from 1/8 to 8/8.")

    @classmethod
    def read(cls, text: str) -> Part:
        """Read what :meth:`__str__` writes.

        Raises:
            ConfigurationError: If it is no such thing.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ConfigurationError(f"part is {text!r}; needed is such as 3/8, from 1/8 to 8/8.")
        return cls(int(found[1]), int(found[2]))

    def has(self, relative: str) -> bool:
        """Say whether a film is in this part, by its path from the folder that was given."""
        digest = hashlib.sha256(os.fsencode(relative)).digest()
        return int.from_bytes(digest, "big") % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
