"""What came of an ensemble: written last, when all of its members are committed."""

from __future__ import annotations

from dataclasses import dataclass

from piggygan.jobs.evaluating.scoring import HEADLINES, brief
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.records import read_record
from piggygan.jobs.training.beginning import Cost
from piggygan.jobs.training.floor import is_learned


@dataclass(frozen=True)
class TrainedEnsemble:
    """An ensemble that is in its registry.

    Attributes:
        ensemble: Its name.
        members: Names of its members, in order.
        bank: Tasks whose filters all of them mix.
        kind: Of its data.
        scores: ``"folds"``: each member on the fold that it did not learn from, averaged. ``"test"``, if there is such
            a side: the members' mean output.
        of_members: What each member scores on the test side, or if there is none on its fold.
        floor: What one and the same answer for every input scores on the test side; empty if there is none.
        disagreement: How far members differ on the test side: of masks 1 less the mean Dice of pairs, of pictures the
            mean spread; None if there is no such side.
        cost: What all members store, with their bank if that was learned for them.
        notes: What a person should know.
        finished: When, UTC, ISO 8601.

    Example:
        >>> from dataclasses import fields
        >>> [field.name for field in fields(TrainedEnsemble)][:3]
        ['ensemble', 'members', 'bank']
    """

    ensemble: str
    members: tuple[str, ...]
    bank: tuple[str, ...]
    kind: str
    scores: dict[str, dict[str, float]]
    of_members: dict[str, dict[str, float]]
    floor: dict[str, float]
    disagreement: float | None
    cost: Cost
    notes: tuple[str, ...]
    finished: str

    @property
    def is_learned(self) -> bool | None:
        """Whether the mean scores more than its floor; None if there is no test side, or no floor."""
        return is_learned(self.kind, self.scores["test"], self.floor) if "test" in self.scores else None

    def __str__(self) -> str:
        name, _ = HEADLINES[self.kind]
        lines = [f"folds kept back, averaged: {brief(self.scores['folds'])}"]
        if "test" in self.scores:
            lines.append(f"test, mean of {len(self.members)}: {brief(self.scores['test'])}")
            alone = ", ".join(f"{scores[name]:.4g}" for scores in self.of_members.values())
            lines.append(f"test, {name} of each member: {alone}; they disagree by {self.disagreement or 0.0:.3g}")
        if self.is_learned is False:
            lines.append("NOT LEARNED: one and the same answer for every input scores as much (test side)")
        lines.append(f"stored: {self.cost.parameters:,} parameters, {self.cost.share:.2f} networks in all")
        return "\n".join(lines)


def read_ensemble(files: TaskFolder) -> TrainedEnsemble | None:
    """Read what came of an ensemble; None if it is not finished.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    return read_record(TrainedEnsemble, files.result, "Its members are not touched by that: start the same again.")
