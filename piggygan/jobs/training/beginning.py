"""What is found and decided before a task is learned, once: a training that goes on finds it written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from piggygan.data.batches import PairBatch, collate_pairs
from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.relatedness import relatedness
from piggygan.files.regular import shown
from piggygan.jobs.config import AUTO, LAST, MethodConfig
from piggygan.jobs.data import TaskData
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.records import read_record, write_record
from piggygan.jobs.training.learner import Learner
from piggygan.layers.tasks import older_versions
from piggygan.registry import Member

PAIRS_COMPARED = 40
"""Training pairs by which tasks are compared; docs/decisions.md measured with so many."""
_AT_ONCE = 4


@dataclass(frozen=True)
class Cost:
    """What a task stores: learned numbers, their share of a whole network, bytes."""

    parameters: int
    share: float
    size: int


@dataclass(frozen=True)
class Beginning:
    """What was found and decided.

    Attributes:
        kind: Of the data.
        in_channels: Of its inputs.
        out_channels: Of its targets.
        fingerprint: Of the data: names and bytes of all files that are used.
        pairs: How many there are on each side.
        draws_on: Tasks whose filters it mixes; empty for the first task of a registry.
        start_from: The task that it started as; None for the first one.
        relatedness: What each of these knew of it (:func:`piggygan.relatedness`), if that was asked.
        cost: What it stores.
        notes: What a person should know of the data and the start.
        began: When, UTC, ISO 8601.
        member: Its place in an ensemble; None: it is one by itself.
    """

    kind: str
    in_channels: int
    out_channels: int
    fingerprint: str
    pairs: dict[str, int]
    draws_on: tuple[str, ...]
    start_from: str | None
    relatedness: dict[str, float]
    cost: Cost
    notes: tuple[str, ...]
    began: str
    member: Member | None = None

    @property
    def is_first(self) -> bool:
        """Whether it is the first task of its registry."""
        return not self.draws_on


@dataclass(frozen=True)
class ChosenStart:
    """From which task a new one starts, and why."""

    start_from: str | None
    relatedness: dict[str, float]
    note: str


def choose_start(learner: Learner, data: TaskData, method: MethodConfig, draws_on: tuple[str, ...]) -> ChosenStart:
    """Choose the task that a new one starts as, by what is known of its training pairs.

    Args:
        learner: Its networks, without the new task.
        data: Of the new task.
        method: Says what was asked for.
        draws_on: The tasks to choose from, oldest first.

    Raises:
        TaskError: If a task that was named is none of these.
    """
    if method.init == "normal":
        return ChosenStart(None, {}, "it starts from random numbers")
    if method.start_from not in (AUTO, LAST):
        return ChosenStart(method.start_from, {}, f"it starts as {method.start_from!r}, as asked")
    if method.start_from == AUTO and (older := older_versions(learner.task, draws_on)):
        return ChosenStart(older[0], {}, f"it starts as {older[0]!r}, the newest older version of it")
    if method.start_from == LAST or data.is_unpaired:
        why = "the last task" if method.start_from == LAST else "the last task: unpaired sides tell no more"
        return ChosenStart(draws_on[-1], {}, f"it starts as {draws_on[-1]!r}, {why}")
    candidates = [task for task in draws_on if learner.generator.input_channels(task) == data.in_channels]
    try:
        found = relatedness(learner.generator, _some_pairs(data), tasks=candidates or None)
    except InputError as error:  # of other channels, or targets that are all alike
        return ChosenStart(draws_on[-1], {}, f"it starts as {draws_on[-1]!r}, the last task: {error}")
    best = next(iter(found))
    numbers = ", ".join(f"{task} {value:.3f}" for task, value in found.items())
    return ChosenStart(best, found, f"it starts as {best!r}, which knows most of it (share explained: {numbers})")


def begin(learner: Learner, data: TaskData, draws_on: tuple[str, ...], chosen: ChosenStart | None) -> Beginning:
    """Put together what is known, when the task has been added."""
    costs = [model.overhead()[learner.task] for model in learner.models.values()]
    sides = {"train": data.train, "val": data.validation, "test": data.test}
    return Beginning(
        kind=data.kind,
        in_channels=data.in_channels,
        out_channels=data.out_channels,
        fingerprint=data.fingerprint,
        pairs={name: len(side) for name, side in sides.items() if side is not None},
        draws_on=draws_on,
        start_from=chosen.start_from if chosen else None,
        relatedness=dict(chosen.relatedness) if chosen else {},
        cost=Cost(sum(cost.parameters for cost in costs), costs[0].share, sum(cost.size for cost in costs)),
        notes=(*data.notes, *([chosen.note] if chosen else [])),
        began=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write_beginning(files: TaskFolder, beginning: Beginning) -> None:
    """Write it down.

    Raises:
        OSError: If the system refused.
    """
    write_record(files.start, beginning)


def read_beginning(files: TaskFolder) -> Beginning | None:
    """Read what was written down; None if the task was not begun.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    if not files.config.exists():  # which is written last
        return None
    otherwise = f"Put it back from a copy, or remove {shown(files.root)} to begin anew."
    found = read_record(Beginning, files.start, otherwise)
    if found is None:
        raise ConfigurationError(f"{shown(files.start)} cannot be used: it is missing. {otherwise}")
    return found


def _some_pairs(data: TaskData) -> Iterator[PairBatch]:
    """Give some training pairs from everywhere in the list."""
    count = min(PAIRS_COMPARED, len(data.train))
    chosen = [number * len(data.train) // count for number in range(count)]
    data.train.set_epoch(0)
    for start in range(0, count, _AT_ONCE):
        yield collate_pairs([data.train[index] for index in chosen[start : start + _AT_ONCE]])
