"""What came of a task: written last, when it is committed and verified."""

from __future__ import annotations

from dataclasses import dataclass

from piggygan.jobs.evaluating.scoring import brief
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.records import read_record, write_record
from piggygan.jobs.training.beginning import Cost
from piggygan.jobs.training.floor import is_learned


@dataclass(frozen=True)
class TrainedTask:
    """A task that is in its registry.

    Attributes:
        task: Its name.
        kind: Of its data.
        scores: On each side, ``"val"`` and, where there is one, ``"test"``.
        floor: What one and the same answer for every input scores on the last of them; empty for unpaired sides.
        epochs: How many it learned.
        kept: The epoch that was committed.
        digests: SHA-256 of its tensors in each network, and of its outputs on the side that was scored last.
        draws_on: Tasks whose filters it mixes.
        start_from: The task that it started as.
        relatedness: What each task knew of it.
        cost: What it stores.
        fingerprint: Of its data.
        image_size: Side in pixels of the squares that it was trained on.
        seconds: Of its learning, without what came between the epochs.
        verified: What the registry's certificates said afterwards.
        notes: What a person should know.
        versions: What it was made with.
        finished: When, UTC, ISO 8601.
        stored: In how many bits its factors and own filters are stored.

    Example:
        >>> from dataclasses import fields
        >>> [field.name for field in fields(TrainedTask)][:3]
        ['task', 'kind', 'scores']
    """

    task: str
    kind: str
    scores: dict[str, dict[str, float]]
    floor: dict[str, float]
    epochs: int
    kept: int
    digests: dict[str, str]
    draws_on: tuple[str, ...]
    start_from: str | None
    relatedness: dict[str, float]
    cost: Cost
    fingerprint: str
    image_size: int
    seconds: float
    verified: tuple[str, ...]
    notes: tuple[str, ...]
    versions: dict[str, str]
    finished: str
    stored: str = "float32"

    @property
    def side(self) -> str:
        """The side that was scored last."""
        return "test" if "test" in self.scores else "val"

    @property
    def is_learned(self) -> bool | None:
        """Whether it scores more than its floor; None where there is none."""
        return is_learned(self.kind, self.scores[self.side], self.floor)

    def __str__(self) -> str:
        lines = [f"{side}: {brief(scores)}" for side, scores in self.scores.items()]
        if self.is_learned is False:
            lines.append(f"NOT LEARNED: one and the same answer for every input scores as much ({self.side} side)")
        cost = self.cost
        size = f"{cost.size / 1e6:.2f} MB in {self.stored}"
        lines.append(f"stored: {cost.parameters:,} parameters, {cost.share:.1%} of a network, {size}")
        return "\n".join([*lines, *(f"verified {line}" for line in self.verified)])


def write_result(files: TaskFolder, result: TrainedTask) -> None:
    """Write it down.

    Raises:
        OSError: If the system refused.
    """
    write_record(files.result, result)


def read_result(files: TaskFolder) -> TrainedTask | None:
    """Read what was written down; None if there is none.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    otherwise = "The task in the registry is not touched by that: put the file back from a copy, or remove it."
    return read_record(TrainedTask, files.result, otherwise)
