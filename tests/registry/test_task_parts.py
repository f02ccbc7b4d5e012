"""A task's part of one network: what is believed of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from piggygan.registry.store import StoredObject
from piggygan.registry.task_parts import Certificate, Recipe, TaskInNetwork, TaskSettings

A, B = "a" * 64, "b" * 64
RECIPE = Recipe("cpu", "float32", "2.13.0", 1, "x86_64", "AVX2", "highest")
CERTIFICATE = Certificate(A, B, StoredObject(A, 10), StoredObject(B, 20), RECIPE)
SETTINGS = TaskSettings({"model.0": 0.25}, None, 1, True, 1.5)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"unconstrained_fraction": {"model.0": 1.5}}, "needed is 0 to 1"),
        ({"unconstrained_fraction": {"model.0": -0.5}}, "needed is 0 to 1"),
        ({"in_channels": 0}, "an image has 1 to 65536 channels"),
        ({"out_channels": 2**17}, "an image has 1 to 65536 channels"),
        ({"max_bank": 0.0}, "needed is above 0 and at most 65536"),
    ],
)
def test_settings_have_bounds(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SETTINGS, **changed)  # type: ignore[arg-type]


def test_digests_are_digests() -> None:
    with pytest.raises(ValueError, match="is not a SHA-256 digest"):
        replace(CERTIFICATE, outputs_digest="../x")
    with pytest.raises(ValueError, match="is not a SHA-256 digest"):
        TaskInNetwork(SETTINGS, StoredObject(A, 1), {"facades": "x"}, CERTIFICATE)


def test_its_objects_are_all_its_files() -> None:
    part = TaskInNetwork(SETTINGS, StoredObject("c" * 64, 1), {"facades": A}, CERTIFICATE)
    assert [stored.digest[0] for stored in part.objects] == ["c", "a", "b"]
