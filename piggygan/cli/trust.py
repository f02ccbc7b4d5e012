"""What a registry has to be before a command believes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.jobs.folder import registry_at
from piggygan.registry import TaskRegistry


@dataclass(frozen=True)
class Requirements:
    """What is asked of a registry."""

    expect: str | None = None
    """Refuse a registry whose registry.json has another SHA-256 than this sha256:..., as sha256sum prints it."""
    signer: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Refuse tasks that nobody with this public key (ed25519:...) signed; may be given several times."""

    def opened(self, folder: Path) -> TaskRegistry:
        """Open a registry, or that of a run, held to these."""
        return TaskRegistry(registry_at(folder), expect=self.expect, signers=self.signer or None)


Required = Annotated[Requirements, tyro.conf.arg(name="")]
