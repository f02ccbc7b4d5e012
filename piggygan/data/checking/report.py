"""DatasetReport: what a check of a data set found, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from piggygan.data.datasets.description import Description

_MOST_NAMED = 5
_MOST_LISTED = 4


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a data set.

    Attributes:
        kind: ``"count"``, ``"masks as pictures"``, ``"incomplete"``, ``"unreadable"``, ``"mask values"``,
            ``"mask size"``, ``"empty mask"``, ``"narrow range"``, ``"burned-in text"``, ``"duplicate images"``,
            ``"patient on two sides"``, ``"not in the folder"`` or ``"on no side"``.
        text: What it is, for people.
        names: The pairs that it is about.

    Example:
        >>> problem = Problem("empty mask", "two masks have no foreground", ("film 3", "film 9"))
        >>> problem.names
        ('film 3', 'film 9')
    """

    kind: str
    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetReport:
    """What a check of a data set found.

    Attributes:
        dataset: Its name.
        description: What is known of it; None for a folder of one's own.
        pairs: How many pairs there are (or images, where there are no targets).
        usable: How many of them can be read.
        sides: How many pairs are on each side.
        sizes: How many images have each width and height.
        bits: How many images have values of so many bits.
        modalities: How many DICOM images are of each modality, "not stated" included.
        body_parts: Likewise.
        views: Likewise.
        was_lossy: How many DICOM images were compressed with losses.
        patients: How many patients (or sources) are known.
        problems: What is wrong.

    Example:
        >>> problem = Problem("unreadable", "one file is cut", ("b",))
        >>> report = DatasetReport("pictures", None, 2, 1, {}, {(64, 64): 1}, {8: 1}, {}, {}, {}, 0, 0, (problem,))
        >>> report.usable, report.problems[0].names
        (1, ('b',))
    """

    dataset: str
    description: Description | None
    pairs: int
    usable: int
    sides: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]
    bits: Mapping[int, int]
    modalities: Mapping[str, int]
    body_parts: Mapping[str, int]
    views: Mapping[str, int]
    was_lossy: int
    patients: int
    problems: tuple[Problem, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        fields = {key: value for key, value in vars(self).items() if key not in ("description", "problems")}
        return {
            **fields,
            "sizes": [
                {"width": width, "height": height, "images": count} for (width, height), count in self.sizes.items()
            ],
            "bits": {str(bits): count for bits, count in self.bits.items()},
            "description": asdict(self.description) if self.description else None,
            "problems": [asdict(problem) for problem in self.problems],
        }

    def __str__(self) -> str:
        facts = [*self._origin(), *self._counts()]
        width = max(len(label) for label, _ in facts)
        lines = [f"{label.ljust(width)}  {text}" for label, text in facts]
        return "\n".join([*lines, *self._problem_lines()])

    def _origin(self) -> list[tuple[str, str]]:
        if self.description is None:
            return [("data set", f"{self.dataset} (a folder of your own)")]
        known = self.description
        return [("data set", f"{self.dataset}: {known.title}"), ("from", known.source), ("terms", known.terms)]

    def _counts(self) -> list[tuple[str, str]]:
        published = f" of {self.description.pairs} expected" if self.description else ""
        facts = [("pairs", f"{self.pairs}{published}, {self.usable} usable")]
        if self.sides:
            facts.append(("sides", _counted(self.sides)))
        if self.patients:
            facts.append(("patients", f"{self.patients} patients or sources"))
        if self.sizes:
            facts.append(("sizes", self._sizes()))
            facts.append(("bits", _counted({f"of {bits} bits": count for bits, count in self.bits.items()})))
        for label, counts in (("modality", self.modalities), ("body part", self.body_parts), ("view", self.views)):
            if counts:
                facts.append((label, _counted(counts)))
        if self.was_lossy:
            facts.append(("lossy", f"{self.was_lossy} were compressed with losses"))
        return facts

    def _sizes(self) -> str:
        common = Counter({f"{width} x {height}": count for (width, height), count in self.sizes.items()})
        text = ", ".join(f"{count} of {size}" for size, count in common.most_common(_MOST_LISTED))
        if len(common) <= _MOST_LISTED:
            return text
        widths, heights = zip(*self.sizes, strict=True)
        return (
            f"{text} and {len(common) - _MOST_LISTED} more; widths {min(widths)} to {max(widths)}, "
            f"heights {min(heights)} to {max(heights)}"
        )

    def _problem_lines(self) -> list[str]:
        if not self.problems:
            return ["nothing is wrong"]
        by_kind: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_kind.setdefault(problem.kind, []).append(problem)
        lines = [f"{len(self.problems)} problems"]
        for kind, problems in by_kind.items():
            lines.append(f"  {kind}: {len(problems)}")
            lines += [f"    {_line(problem)}" for problem in problems[:_MOST_NAMED]]
            if len(problems) > _MOST_NAMED:
                lines.append(f"    and {len(problems) - _MOST_NAMED} more (--json lists all)")
        return lines


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _line(problem: Problem) -> str:
    """Write a problem in one line; names are shown escaped, since a file can be called anything."""
    text = " ".join(problem.text.split())
    named = ", ".join(map(repr, problem.names[:_MOST_NAMED]))
    more = f" and {len(problem.names) - _MOST_NAMED} more" if len(problem.names) > _MOST_NAMED else ""
    return f"{named}{more}: {text}" if named else text
