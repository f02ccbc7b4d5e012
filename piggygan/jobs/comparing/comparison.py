"""What came of another method that learned the same task: read by pages, written last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from piggygan.files.regular import shown
from piggygan.jobs.evaluating.scoring import brief
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.records import read_record, write_record


@dataclass(frozen=True)
class Earlier:
    """What became of an earlier task.

    Attributes:
        kind: Of its data.
        side: Which of its sides was scored, ``"test"`` or ``"val"``.
        kept: Its scores in the registry, after the new task was learned.
        same_bytes: Whether its outputs are those of the day on which it was committed, byte for byte.
        left: Its scores in the network that learned the new task by the other method.
    """

    kind: str
    side: str
    kept: dict[str, float]
    same_bytes: bool
    left: dict[str, float]


@dataclass(frozen=True)
class Rivalled:
    """A task as another method learned it.

    Attributes:
        task: Its name.
        method: What learned it: ``"fine-tuning"`` or ``"separate"``.
        kind: Of its data.
        scores: On each side, ``"val"`` and, where there is one, ``"test"``.
        epochs: How many it learned.
        seconds: Of its learning.
        parameters: What has to be stored for it: a whole network, or two.
        earlier: What became of earlier tasks, by name; empty for networks that never did them.
        notes: What a person should know.

    Example:
        >>> print(Rivalled("lungs", "separate", "masks", {"val": {"dice": 0.9}}, 30, 60.0, 54_000_000, {}, ()))
        separate: val: dice 0.9
    """

    task: str
    method: str
    kind: str
    scores: dict[str, dict[str, float]]
    epochs: int
    seconds: float
    parameters: int
    earlier: dict[str, Earlier]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.method}: {side}: {brief(scores)}" for side, scores in self.scores.items()]
        for task, found in self.earlier.items():
            kept = "the same bytes as before" if found.same_bytes else "NOT the bytes of before"
            lines.append(f"{task} ({found.side}) in the registry: {brief(found.kept)}: {kept}")
            lines.append(f"{task} ({found.side}) after {self.method}: {brief(found.left)}")
        return "\n".join([*lines, *self.notes])


def write_rivalled(files: TaskFolder, rivalled: Rivalled) -> None:
    """Write it down.

    Raises:
        OSError: If the system refused.
    """
    write_record(files.result, rivalled)


def read_rivalled(files: TaskFolder) -> Rivalled | None:
    """Read what was written down; None if there is none.

    Args:
        files: Of the rival.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    otherwise = f"Put it back from a copy, or remove {shown(files.root)} to compare anew."
    return read_record(Rivalled, files.result, otherwise)


def rivals_of(files: TaskFolder) -> Iterator[Rivalled]:
    """Read what there is to compare a task with."""
    folder = files.rival("x").parent
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        found = read_rivalled(TaskFolder(entry, files.name))
        if found is not None:
            yield found
