"""What is written is written in the lowest version of the format that can say it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from piggygan.files.strict_json import decode
from piggygan.registry.formats import since, version_needed, written


@dataclass(frozen=True)
class Spacing:
    across: float
    unit: str = field(default="mm", metadata=since(3))


@dataclass(frozen=True)
class Film:
    side: int
    spacing: Spacing | None = None
    marks: dict[str, int] = field(default_factory=dict, metadata=since(2))


PLAIN = Film(3)


def test_what_needs_nothing_new_is_written_as_it_ever_was() -> None:
    assert written(PLAIN) == {"side": 3, "spacing": None}
    assert version_needed(PLAIN) == 1


def test_a_later_field_is_written_where_it_says_something() -> None:
    marked = Film(3, marks={"left": 1})
    assert written(marked) == {"side": 3, "spacing": None, "marks": {"left": 1}}
    assert version_needed(marked) == 2


def test_the_version_is_that_of_the_newest_field_however_deep() -> None:
    assert version_needed({"films": (PLAIN, Film(3, Spacing(0.5)))}) == 1
    assert version_needed({"films": (PLAIN, Film(3, Spacing(0.5, "cm")))}) == 3
    assert version_needed(["text", 3, None, ()]) == 1


def test_what_is_written_is_read_as_the_same() -> None:
    for film in (PLAIN, Film(3, marks={"left": 1}), Film(3, Spacing(0.5, "cm"))):
        assert decode(Film, written(film), "film") == film


def test_every_field_that_came_later_has_a_default() -> None:
    from piggygan.registry.manifest import Manifest, TaskRecord
    from piggygan.registry.provenance import TrainingData

    later = [one for kind in (Manifest, TaskRecord, TrainingData) for one in dataclasses.fields(kind) if one.metadata]
    assert {one.name for one in later} >= {"data", "licence", "attachments", "member", "statement"}
    assert not [one.name for one in later if one.default is one.default_factory]
