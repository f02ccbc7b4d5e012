"""Subcommands that keep a registry whole and say who vouches for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DAMAGED, DONE, AsJson, RegistryFolder, TaskName, show_result
from piggygan.cli.trust import Required, Requirements
from piggygan.registry import new_key

KeyFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="KEY.pem")]


@dataclass(frozen=True)
class Repair:
    """Put back damaged and missing files of a registry from wherever the same bytes still are.

    Files are known by their SHA-256, so that the source need not be trusted. A damaged registry.json is put back too,
    if --expect says which one it was.

    Exit code: 0 if nothing is lacking any more, 1 if something could not be had.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    source: Annotated[Path, tyro.conf.arg(name="from", metavar="COPY")]
    """Folder of a copy of it, a folder of such files, or the file of an exported task."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Repair, and print what was put back and what is lacking."""
        found = self.required.opened(self.registry).repair(self.source)
        lines = [f"{name}: put back" for name in found.restored]
        lines += [f"{task}: lacks {name}" for task, names in found.lacking.items() for name in names]
        total = f"{len(found.restored)} files put back, {sum(map(len, found.lacking.values()))} lacking"
        show_result([*lines, total], {"whole": found.is_whole, **asdict(found)}, self.json)
        return DONE if found.is_whole else DAMAGED


@dataclass(frozen=True)
class Sign:
    """Vouch for a task with a private key, once its files are seen to be what was committed.

    Signed is all that is recorded of the task and of the bank that it was trained on. The signature goes with copies
    and exported files; others require it with --signer.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    task: TaskName
    """Which task; of an ensemble all members are signed."""
    key: Path
    """File of the private key, which `piggygan new-key` makes; keep it outside of every registry."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Sign, and print the public key."""
        registry = self.required.opened(self.registry)
        tasks = registry.ensembles.get(self.task, (self.task,))
        signed = {task: registry.sign_task(task, self.key) for task in tasks}  # all by the one key
        lines = [f"{task}: signed by {public}" for task, public in signed.items()]
        show_result(lines, {"task": self.task, "signer": signed[tasks[0]]}, self.json)
        return DONE


@dataclass(frozen=True)
class NewKey:
    """Make a private key to sign tasks with, in a file that only its owner may read, and print the public key."""

    file: KeyFile
    """The file; it must not be there yet, nor be inside of a registry."""
    json: AsJson = False

    def run(self) -> int:
        """Make it, and print the public key."""
        public = new_key(self.file)
        show_result([public], {"signer": public, "file": str(self.file)}, self.json)
        return DONE
