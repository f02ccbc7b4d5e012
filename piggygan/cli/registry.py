"""Subcommands on a registry: what is in it, whether it is sound, what goes in and out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from piggygan.cli.commands import DAMAGED, DONE, AsJson, RegistryFolder, TaskFile, TaskName, show_result, terminal_width
from piggygan.cli.trust import Required, Requirements
from piggygan.errors import CorruptFileError, RegistryError
from piggygan.layers.tasks import version_of
from piggygan.registry import GENERATOR, TaskRecord, Verification
from piggygan.registry.ensembles import ensembles
from piggygan.registry.formats import written
from piggygan.terminal.escaping import escaped
from piggygan.terminal.tables import NO_BREAK, text_table

MOST_NAMED = 20
"""How many names a cell of the table shows."""
MOST_LETTERS = 60
"""How much it shows of a name that a file gives."""


@dataclass(frozen=True)
class Tasks:
    """List a registry's tasks in the order of their commits.

    Shows what each draws on, the side of the pictures that it was trained on, its size on disk, its scores, when it was
    committed, with what its certificate was computed, and its licence where one was said; --json also what was said of
    its data. Below the table stand the members of each ensemble, and the line of descent of each task with versions.
    Only registry.json is read: `piggygan verify` proves that the files are still what it says.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Read the manifest and print a table."""
        registry = self.required.opened(self.registry)
        records = registry.records
        if not records:
            raise RegistryError(f"there is no registry in {self.registry} (no registry.json): check the path.")
        header = ["task", "draws on", "pixels", "MB", "scores", "committed", "certificate"]
        rows = [_row(record) for record in records]
        if any(record.licence for record in records):
            header.append("licence")
            rows = [[*row, _shown(record.licence or "-")] for row, record in zip(rows, records, strict=True)]
        table = text_table(header, rows, terminal_width(sys.stdout))
        groups = ensembles({record.name: record.member for record in records})
        lines = [*table.splitlines(), *_together(records, groups)]
        fields = {
            "digest": registry.digest,
            "tasks": [_fields(record) for record in records],
            "ensembles": {group: list(tasks) for group, tasks in groups.items()},
            "versions": _versions(records, groups),
        }
        show_result(lines, fields, self.json)
        return DONE


@dataclass(frozen=True)
class Verify:
    """Prove that every task is still what was committed: a line a task, nothing changed.

    Each task is built from its files and run on its certificate's images. "equal": the same bits. "weights equal,
    recipe differs": another machine or torch rounds differently, by that much. "damaged": which file, or what else.
    Lines with "note" name what belongs to no task. Where the generator is a class of your own, which this command
    cannot build, files are checked against their digests and no outputs are computed; use
    TaskRegistry(...).verify(generator=...) for that.

    Exit code: 0 if all tasks are sound, 1 if any is damaged, 2 if there was nothing to check.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Verify, and print what was found."""
        registry = self.required.opened(self.registry)
        try:
            found = registry.verify_files() if registry.needs_generator else registry.verify()
        except CorruptFileError as error:
            reason = " ".join(str(error).split())
            fields = {"sound": False, "reason": reason, "tasks": [], "notes": []}
            show_result([f"registry: damaged: {reason}"], fields, self.json)
            return DAMAGED
        fields = {"sound": found.is_sound, "tasks": [asdict(result) for result in found], "notes": list(found.notes)}
        show_result(_lines(found), fields, self.json)
        return DONE if found.is_sound else DAMAGED


@dataclass(frozen=True)
class Export:
    """Write a task into one file, to be imported into another registry that holds the same bank."""

    registry: RegistryFolder
    """Folder of the registry."""
    task: TaskName
    """Which task; the base task too."""
    file: TaskFile
    """The file to write; it must not be there yet."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Export."""
        registry = self.required.opened(self.registry)
        registry.export_task(self.task, self.file)
        size, said = self.file.stat().st_size, registry.describe(self.task).said
        fields = {"task": self.task, "file": str(self.file), "bytes": size, **({"said": said} if said else {})}
        lines = [f"{self.task}: {self.file}, {size / 1e6:.1f} MB", *(f"{name}: {text}" for name, text in said.items())]
        show_result(lines, fields, self.json)
        return DONE


@dataclass(frozen=True)
class Import:
    """Take in a task that `piggygan export` wrote.

    It is refused unless this registry holds the bank that it was trained on, the same bits, and unless it computes
    here what its certificate says. An empty registry takes a base task.
    """

    registry: RegistryFolder
    """Folder of the registry; made if it is not there."""
    file: TaskFile
    """The file."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Import."""
        registry = self.required.opened(self.registry)
        task = registry.import_task(self.file)
        said = registry.describe(task).said
        lines = [f"{task}: in {self.registry}", *(f"{name}: {text}" for name, text in said.items())]
        fields = {"task": task, "registry": str(self.registry), **({"said": said} if said else {})}
        show_result(lines, fields, self.json)
        return DONE


@dataclass(frozen=True)
class Remove:
    """Forget a task that no other draws on, or all members of an ensemble; `piggygan gc` then frees the space."""

    registry: RegistryFolder
    """Folder of the registry."""
    task: TaskName
    """Which task."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Remove."""
        registry = self.required.opened(self.registry)
        before = registry.ensembles
        registry.remove_task(self.task)
        members = before.get(self.task, ())
        named = f"{self.task} ({', '.join(members)})" if members else self.task
        lines = [f"{named}: removed from {self.registry}"]
        lines += [
            f"the ensemble {group!r} lacks it now, and cannot be used until it is learned again"
            for group, tasks in before.items()
            if self.task in tasks
        ]
        show_result(lines, {"task": self.task}, self.json)
        return DONE


@dataclass(frozen=True)
class Gc:
    """Delete what no task and no running program needs: files of removed tasks, and what killed programs left."""

    registry: RegistryFolder
    """Folder of the registry."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Delete, and print what."""
        collected = self.required.opened(self.registry).gc()
        total = f"{len(collected.removed)} files, {collected.size / 1e6:.1f} MB"
        show_result(
            [*collected.removed, total],
            {"removed": list(collected.removed), "bytes": collected.size},
            self.json,
        )
        return DONE


def _together(records: Sequence[TaskRecord], groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say which tasks belong together: members of ensembles, and versions, the oldest first."""
    of = {record.member.group: record.member.of for record in records if record.member is not None}
    for group, tasks in groups.items():
        lacking = "" if len(tasks) == of[group] else f"; {of[group] - len(tasks)} of {of[group]} are lacking"
        yield f"{group}: an ensemble of {', '.join(tasks)}{lacking}"
    for stem, versions in _versions(records, groups).items():
        yield f"{stem}: {' -> '.join(versions)}"
        scores = {record.name: record.scores for record in records if record.name in versions}
        for older in scores:
            found = [
                f"{_shown(name.removesuffix(f' on {older}'))} of {newer} {value:.4g}"
                for newer, of_newer in scores.items()
                for name, value in of_newer.items()
                if name.endswith(f" on {older}")
            ]
            if found:
                yield f"  on the test films of {older}: {', '.join(found)}"


def _versions(records: Sequence[TaskRecord], groups: Iterable[str]) -> dict[str, list[str]]:
    """Return the line of descent of each task that has several versions."""
    found: dict[str, list[str]] = {}
    for name in sorted({*(record.name for record in records), *groups}, key=version_of):
        found.setdefault(version_of(name)[0], []).append(name)
    return {stem: names for stem, names in found.items() if len(names) > 1}


def _row(record: TaskRecord) -> list[str]:
    recipe = next(iter(record.networks.values())).certificate.recipe
    return [
        record.name,
        _some(record.draws_on),
        "" if record.image_size is None else str(record.image_size),
        f"{record.weight_bytes / 1e6:.2f}",
        _some([f"{_shown(name)}{NO_BREAK}{score:.4g}" for name, score in record.scores.items()]),
        _shown(record.created[:10]),
        f"{_shown(recipe.device)}{NO_BREAK}{_shown(recipe.machine)}, torch{NO_BREAK}{_shown(recipe.torch)}",
    ]


def _fields(record: TaskRecord) -> dict[str, Any]:
    certificates = {network: asdict(part.certificate) for network, part in record.networks.items()}
    return {
        "name": record.name,
        "draws_on": list(record.draws_on),
        "image_size": record.image_size,
        "bytes": record.weight_bytes,
        "scores": record.scores,
        "created": record.created,
        "licence": record.licence,
        "data": written(record.data),
        "attachments": list(record.attachments),
        "member": written(record.member),
        # Most registries hold one network, whose name says nothing.
        **({"certificate": one} if (one := certificates.get(GENERATOR)) else {"certificates": certificates}),
    }


def _lines(found: Verification) -> list[str]:
    lines = [*map(str, found), *(f"note: {note}" for note in found.notes)]
    return [" ".join(line.split()) for line in lines]


def _some(words: Sequence[str]) -> str:
    more = [f"and {len(words) - MOST_NAMED} more"] if len(words) > MOST_NAMED else []
    return ", ".join([*words[:MOST_NAMED], *more]) or "-"


def _shown(text: str) -> str:
    """Make what a file says fit into a table: its width is counted in what is printed."""
    return escaped(text[:MOST_LETTERS])
