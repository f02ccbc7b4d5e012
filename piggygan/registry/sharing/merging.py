"""What a registry lacks of another one, and what it would be with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from piggygan.errors import BankMismatchError, TaskExistsError
from piggygan.registry.building import loading_order
from piggygan.registry.ensembles import named
from piggygan.registry.manifest import Manifest, TaskRecord


def merged(into: Manifest | None, source: Manifest, tasks: Iterable[str] | None) -> Manifest:
    """Add tasks of one registry, and what they draw on, to another.

    Args:
        into: What the other holds; None if nothing yet.
        source: What the first holds.
        tasks: Which, of an ensemble all members; None: all.

    Returns:
        What the other would hold; equal to ``into`` if nothing is lacking.

    Raises:
        TaskNotFoundError: If the first has no such task.
        BankMismatchError: If the two began with other base tasks or generators.
        TaskExistsError: If both have a task of one name that is not the same; one side may have more attachments.
    """
    chosen = source.by_name if tasks is None else named(source.places, tasks)
    wanted = [source.by_name[name] for name in loading_order(source, chosen)]
    if into is None:
        return replace(source, tasks=tuple(wanted))
    if (into.base_task, into.networks) != (source.base_task, source.networks):
        raise BankMismatchError(
            f"one registry begins with {into.base_task!r}, the other with {source.base_task!r}"
            f"{'' if into.base_task != source.base_task else ' of another generator'}: their tasks cannot stand in one."
        )
    known = {record.name: record for record in into.tasks}
    for record in wanted:
        known[record.name] = _joined(known.get(record.name, record), record)
    try:
        return replace(into, tasks=tuple(known.values()))
    except ValueError as error:
        raise BankMismatchError(f"the tasks of the two registries cannot stand in one: {error}.") from error


def _joined(mine: TaskRecord, other: TaskRecord) -> TaskRecord:
    """Return a task with the attachments of both sides; in all else it must be the same."""
    attachments = {**other.attachments, **mine.attachments}
    if mine != replace(other, attachments=mine.attachments) or attachments != {**attachments, **other.attachments}:
        raise TaskExistsError(
            f"both registries have a task {mine.name!r}, and they are not the same (committed {mine.created} and "
            f"{other.created}): train one of them under another name."
        )
    return replace(mine, attachments=attachments)
