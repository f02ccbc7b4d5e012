"""Where a task comes from: what it was trained on, under which licence it is given on, and of which ensemble it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from piggygan.errors import InputError
from piggygan.layers.tasks import check_task_name
from piggygan.registry.formats import since

KINDS = ("pairs", "masks", "unpaired")
SIDES = ("train", "val", "test")
MAX_COUNT = 2**40
MAX_STATEMENT = 4000
MAX_LICENCE = 200
MAX_MEMBERS = 100
"""The most pictures of a side, letters of a statement and of a licence, and members of an ensemble."""

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TrainingData:
    """What a task was trained on: as much of it as somebody said.

    Attributes:
        kind: ``"pairs"`` of pictures, pictures with ``"masks"``, or two ``"unpaired"`` sides; None: nobody said.
        fingerprint: SHA-256 of the names and bytes of all files, 64 lower-case hexadecimal digits; None: nobody said.
        counts: How many pairs, of unpaired data how many pictures, ``"train"``, ``"val"`` and ``"test"`` have.
        statement: What its owner says of the data, in one line of at most 4,000 characters; None: nothing.

    Raises:
        InputError: If one of them is anything else.

    Example:
        >>> data = TrainingData("masks", counts={"train": 96, "val": 14}, statement="Films of one hospital, adults.")
        >>> data.counts["train"], data.fingerprint
        (96, None)
    """

    kind: str | None = field(default=None, metadata=since(2))
    fingerprint: str | None = field(default=None, metadata=since(2))
    counts: dict[str, int] = field(default_factory=dict, metadata=since(2))
    statement: str | None = field(default=None, metadata=since(2))

    def __post_init__(self) -> None:
        if not isinstance(self.counts, dict):
            raise InputError(f"the counts of the data are {_cut(self.counts)}; needed are numbers by side.")
        if self.kind not in (None, *KINDS):
            raise InputError(f"the kind of data is {_cut(self.kind)}; needed is one of {', '.join(KINDS)}.")
        if self.fingerprint is not None and not (
            isinstance(self.fingerprint, str) and _FINGERPRINT.fullmatch(self.fingerprint)
        ):
            raise InputError(
                f"the fingerprint of the data is {_cut(self.fingerprint)}; needed are 64 lower-case hexadecimal digits."
            )
        for side, count in self.counts.items():
            if side not in SIDES or type(count) is not int or not 0 <= count <= MAX_COUNT:
                raise InputError(
                    f"the data have {_cut(count)} of {_cut(side)}; needed are counts of {', '.join(SIDES)}."
                )
        check_line("the data statement", self.statement, MAX_STATEMENT)


@dataclass(frozen=True)
class Member:
    """A task's place in an ensemble: tasks that are one together, such as those of the folds of one set of data.

    Attributes:
        group: The ensemble's name. It is no task's.
        number: Which member, from 1 on.
        of: How many members the ensemble has, 2 to 100.

    Raises:
        InputError: If there is no such place.
        TaskNameError: If the ensemble cannot be called so.

    Example:
        >>> Member("lungs", number=2, of=5)
        Member(group='lungs', number=2, of=5)
    """

    group: str
    number: int
    of: int

    def __post_init__(self) -> None:
        check_task_name(self.group)
        if (
            type(self.number) is not int
            or type(self.of) is not int
            or not 2 <= self.of <= MAX_MEMBERS
            or not 1 <= self.number <= self.of
        ):
            raise InputError(
                f"member {_cut(self.number)} of {_cut(self.of)} of {self.group!r}; needed are 2 to {MAX_MEMBERS} "
                f"members, counted from 1."
            )


def check_line(what: str, text: str | None, most: int) -> None:
    """Refuse a text that is no plain line of 1 to ``most`` characters.

    Raises:
        InputError: If so.
    """
    if text is None:
        return
    if not isinstance(text, str) or not text.strip() or len(text) > most or not text.isprintable():
        raise InputError(
            f"{what} is {_cut(text)}; needed is one line of 1 to {most} characters that can be printed, or None where "
            f"nobody said."
        )


def _cut(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:60]}... ({len(shown)} characters)"
