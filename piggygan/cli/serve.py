"""The subcommand that serves a registry over HTTP."""

from __future__ import annotations

import importlib.util
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, RegistryFolder, show, show_error
from piggygan.cli.trust import Required, Requirements
from piggygan.errors import ConfigurationError
from piggygan.jobs.folder import registry_at
from piggygan.server.limits import Limits
from piggygan.terminal.about import INTENDED_USE

PACKAGES = ("starlette", "uvicorn", "python_multipart")


@dataclass(frozen=True)
class Serve:
    """Serve a page to try every task on, and an interface for programs, at one address.

    On this machine alone unless --host says otherwise. Files that visitors send are decoded in processes of their own
    and never written to a disk. Ctrl-C ends it.
    """

    registry: RegistryFolder
    """Folder of the registry, or of a run."""
    host: str = "127.0.0.1"
    """Address to listen on; one that others reach needs --token-file."""
    port: int = 8765
    """Its port; 0: any that is free."""
    name: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Name that visitors call this machine by, such as films.clinic.example; may be given several times."""
    token_file: Path | None = None
    """File of a token that requests must bear; nobody else may read it."""
    allow_anyone: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Let other machines in without a token."""
    read_only: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Refuse a registry that this user could write to; serving never does."""
    limits: Annotated[Limits, tyro.conf.arg(name="")] = field(default_factory=Limits)
    """What one request may take."""
    required: Required = field(default_factory=Requirements)

    def run(self) -> int:
        """Serve until a signal ends it."""
        if any(importlib.util.find_spec(package) is None for package in PACKAGES):
            raise ConfigurationError("serving needs starlette and uvicorn: pip install 'piggygan[serve]'.")
        from piggygan.server.serving import ServeOptions, serve
        from piggygan.server.source import Source

        options = ServeOptions(self.host, self.port, self.name, self.token_file, self.allow_anyone, self.limits)
        source = Source(registry_at(self.registry), self.required.expect, self.required.signer, self.read_only)
        serve(source, options, _begun)
        return DONE


def _begun(address: str) -> None:
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    show_error(INTENDED_USE)
    show(f"serving {address}")
    sys.stdout.flush()  # who waits for the address may be a program
