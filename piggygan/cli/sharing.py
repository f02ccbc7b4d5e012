"""Subcommands that carry a registry's tasks elsewhere and back, and say in words what they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, RegistryFolder, show_result
from piggygan.cli.trust import Required, Requirements
from piggygan.errors import ConfigurationError
from piggygan.files.durable import write_durably
from piggygan.jobs.folder import registry_at
from piggygan.jobs.pages.card import registry_card
from piggygan.registry import Moved, pull, push

Address = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ADDRESS")]
Chosen = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


@dataclass(frozen=True)
class Push:
    """Bring a registry's tasks to hf://OWNER/NAME on the Hugging Face Hub, or to a folder: file:///PATH.

    Only what is lacking there travels: tensors, certificates, signatures, and a card that says what the tasks are. No
    checkpoint, log or picture does. Who you are is what `hf auth login` or HF_TOKEN says.
    """

    registry: RegistryFolder
    """Folder of the registry, or of a run."""
    address: Address
    """Where to."""
    task: Chosen = ()
    """This task or ensemble and what it draws on; may be given several times. All, if none is named."""
    public: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """A repository that is made now can be seen by everyone; else only by you."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Push."""
        registry = self.required.opened(self.registry)
        for task in self.task or registry.tasks:
            if task not in registry.ensembles:
                registry.describe(task)
        moved = push(
            registry.folder,
            self.address,
            tasks=self.task or None,
            card=registry_card(self.registry),
            public=self.public,
        )
        return _said(moved, "pushed to", self.json)


@dataclass(frozen=True)
class Pull:
    """Bring tasks from hf://OWNER/NAME or file:///PATH into a registry.

    What arrives is checked against its digests and certificates before it counts; a pull that was cut off goes on.
    hf://OWNER/NAME@REVISION takes a branch, tag or commit.
    """

    address: Address
    """Where from."""
    registry: RegistryFolder
    """Folder of the registry, or of a run; made if it is not there."""
    task: Chosen = ()
    """This task or ensemble and what it draws on; may be given several times. All, if none is named."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Pull."""
        moved = pull(
            self.address,
            registry_at(self.registry),
            tasks=self.task or None,
            expect=self.required.expect,
            signers=self.required.signer or None,
        )
        return _said(moved, "pulled from", self.json)


@dataclass(frozen=True)
class Card:
    """Write a card: what the tasks are, what they were trained on and scored, and how to load them.

    It says what the registry records, and where nobody has said something, that nobody has. Nothing is fetched.
    """

    registry: RegistryFolder
    """Folder of the registry, or of a run."""
    task: str | None = None
    """One task or ensemble alone."""
    out: Path | None = None
    """File to write, such as README.md; it must not be there yet. Else the card is printed."""
    json: AsJson = False

    def run(self) -> int:
        """Write it."""
        card = registry_card(self.registry, self.task)
        if self.out is None:
            show_result(card.splitlines(), {"card": card}, self.json)
            return DONE
        if self.out.exists():
            raise ConfigurationError(f"{self.out} is there already: name another file, or move that one away.")
        try:
            write_durably(self.out, card.encode())
        except OSError as error:
            raise ConfigurationError(f"{self.out} could not be written: {error.strerror}.") from error
        show_result([f"card: {self.out}"], {"card": str(self.out)}, self.json)
        return DONE


def _said(moved: Moved, done: str, as_json: bool) -> int:
    tasks = ", ".join(moved.tasks) or "nothing was lacking"
    amount = f" ({moved.objects} files, {moved.bytes / 1e6:.1f} MB)" if moved.tasks else ""
    fields = {
        "address": moved.url,
        "tasks": list(moved.tasks),
        "files": moved.objects,
        "bytes": moved.bytes,
        "digest": moved.head,
    }
    show_result([f"{done} {moved.url}: {tasks}{amount}", f"digest: {moved.head}"], fields, as_json)
    return DONE
