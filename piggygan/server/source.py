"""Which registry is served, and what it has to be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from piggygan.errors import ConfigurationError
from piggygan.files.regular import shown
from piggygan.registry import TaskRegistry
from piggygan.registry.sealing import FILE_NAME


@dataclass(frozen=True)
class Source:
    """A registry's folder, and what is asked of it whenever it is read.

    Attributes:
        folder: Of the registry.
        expect: As of :class:`piggygan.TaskRegistry`.
        signers: Likewise; empty: nothing need be signed.
        read_only: Refuse a registry that this process could write to. Nothing here writes to one; then no fault can.
    """

    folder: Path
    expect: str | None = None
    signers: tuple[str, ...] = ()
    read_only: bool = False

    def opened(self) -> TaskRegistry:
        """Open it.

        Raises:
            ConfigurationError: If it has to be read-only and is not.
        """
        if self.read_only and os.access(self.folder, os.W_OK):
            raise ConfigurationError(
                f"{shown(self.folder)} can be written to by the user who serves it: mount it read-only, serve as "
                f"another user, or leave --read-only out."
            )
        return TaskRegistry(self.folder, expect=self.expect, signers=self.signers or None)

    def stamp(self) -> tuple[int, ...]:
        """Tell one writing of ``registry.json`` from the next, without reading it; empty if it is not there."""
        try:
            status = (self.folder / FILE_NAME).lstat()
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_ctime_ns
