"""Which registry is served, and what it has to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from piggygan.registry import TaskRegistry
from piggygan.registry.manifest import FILE_NAME


@dataclass(frozen=True)
class Source:
    """A registry's folder, and what is asked of it whenever it is read.

    Attributes:
        folder: Of the registry.
        expect: As of :class:`piggygan.TaskRegistry`.
        signers: Likewise; empty: nothing need be signed.
    """

    folder: Path
    expect: str | None = None
    signers: tuple[str, ...] = ()

    def opened(self) -> TaskRegistry:
        """Open it."""
        return TaskRegistry(self.folder, expect=self.expect, signers=self.signers or None)

    def stamp(self) -> tuple[int, ...]:
        """Tell one writing of ``registry.json`` from the next, without reading it; empty if it is not there."""
        try:
            status = (self.folder / FILE_NAME).lstat()
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_ctime_ns
