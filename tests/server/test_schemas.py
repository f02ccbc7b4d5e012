"""Shapes of what the interface says."""

from __future__ import annotations

import dataclasses

from piggygan.jobs.training.result import TrainedTask
from piggygan.registry.certificates import TaskCheck
from piggygan.server.schemas import NUMBER, SCHEMAS, TEXT, by_name, list_of, object_of, or_null


def test_schemas_are_built_of_each_other() -> None:
    assert object_of({"a": TEXT, "b": or_null(NUMBER)}, optional=("b",)) == {
        "type": "object",
        "properties": {"a": TEXT, "b": {"oneOf": [NUMBER, {"type": "null"}]}},
        "required": ["a"],
    }
    assert list_of(by_name(NUMBER)) == {"type": "array", "items": {"type": "object", "additionalProperties": NUMBER}}


def test_what_is_told_of_checks_and_trainings_is_what_they_have() -> None:
    check = {field.name for field in dataclasses.fields(TaskCheck)}
    assert set(SCHEMAS["Check"]["properties"]) == {*check, "is_sound"}
    trained = {field.name for field in dataclasses.fields(TrainedTask)}
    assert set(SCHEMAS["Trained"]["properties"]) - trained == {"data", "pairs", "is_learned"}
