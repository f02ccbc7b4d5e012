"""The subcommand that runs a DICOM node."""

from __future__ import annotations

import importlib.util
import logging
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DAMAGED, DONE, RegistryFolder, show, show_error
from piggygan.cli.trust import Required, Requirements
from piggygan.errors import ConfigurationError
from piggygan.jobs.folder import registry_at
from piggygan.prediction.options import Viewer
from piggygan.server.node.options import Destination, NodeLimits, NodeOptions
from piggygan.server.node.rules import Rule, Rules
from piggygan.server.source import Source
from piggygan.terminal.about import INTENDED_USE


@dataclass(frozen=True)
class Node:
    """Receive films by DICOM C-STORE, translate them, and send DICOM Segmentations on.

    A sender is told of success once its film is durably in the queue; a node that is killed goes on where it was. On
    this machine alone unless --host says otherwise. Ctrl-C ends it, and so does SIGTERM: what is under way is finished.

    Exit code: 0; 1 if it ended by itself.
    """

    registry: RegistryFolder
    """Folder of the registry, or of a run."""
    queue: Path
    """Folder for the films that wait; it holds patients' films and is its owner's alone."""
    destination: Annotated[str, tyro.conf.arg(metavar="TITLE@HOST:PORT")]
    """Where Segmentations go."""
    task: str | None = None
    """Which task translates every film; or give --rules."""
    rules: Path | None = None
    """TOML file that says by called AE title, modality and body part which task translates a film."""
    title: str = "PIGGYGAN"
    """Its own AE title."""
    host: str = "127.0.0.1"
    """Address to listen on; one that others reach needs --allow."""
    port: int = 11112
    """Its port; 0: any that is free."""
    allow: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """AE title that may call; may be given several times. Senders say it of themselves: it keeps out mistakes only."""
    allow_anyone: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Let other machines call under any title."""
    viewer: Viewer = "any"
    """Which viewer the Segmentations are for, as of predict."""
    read_only: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Refuse a registry that this user could write to; the node never does."""
    limits: Annotated[NodeLimits, tyro.conf.arg(name="")] = field(default_factory=NodeLimits)
    """What senders may take."""
    required: Required = field(default_factory=Requirements)

    def run(self) -> int:
        """Run until a signal ends it."""
        if (self.task is None) == (self.rules is None):
            raise ConfigurationError("give --task, which then translates every film, or --rules, and not both.")
        rules = Rules((Rule(self.task),)) if self.rules is None else Rules.of_file(self.rules)
        options = NodeOptions(
            Destination.of_text(self.destination), self.title, self.host, self.port, self.allow, self.allow_anyone,
            self.viewer, self.limits,
        )  # fmt: skip
        if importlib.util.find_spec("pynetdicom") is None:
            raise ConfigurationError("a node needs pynetdicom and highdicom: pip install 'piggygan[node,medical]'.")
        from piggygan.server.node.node import run_node

        source = Source(registry_at(self.registry), self.required.expect, self.required.signer, self.read_only)
        return DONE if run_node(source, self.queue, rules, options, _begun) else DAMAGED


def _begun(address: str) -> None:
    _print_own_log()
    show_error(INTENDED_USE)
    show(f"listening as {address}")
    sys.stdout.flush()  # who waits for the address may be a program


def _print_own_log() -> None:
    """Print what the node says, and nothing of what libraries do: they quote what they read."""
    printing = logging.StreamHandler()
    printing.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("piggygan.node")
    log.addHandler(printing)
    log.setLevel(logging.INFO)
    log.propagate = False  # else the command line prints its warnings once more
    warnings.simplefilter("ignore")
