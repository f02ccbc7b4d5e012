"""Finding: one thing that was found out about one film, beside its mask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A named value of one film, as it stands in the journal and in ``summary.json``.

    Attributes:
        name: What was found out, in small letters, such as ``distance``; a film has each name once.
        value: A number, a truth or a word; None: it could not be found out.
        says: The same for a person, one sentence; empty where the value speaks for itself.

    Example:
        >>> Finding("parts", 3.0, "the mask has three parts, lungs are two").name
        'parts'
    """

    name: str
    value: float | int | bool | str | None
    says: str = ""
