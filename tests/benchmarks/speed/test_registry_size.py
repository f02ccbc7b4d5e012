"""Registries of several sizes."""

from pathlib import Path

from benchmarks.speed import registry_size


def test_each_size_is_listed_and_loaded() -> None:
    rows = registry_size.measure(registry_size.Options(tasks=(2, 4), seconds=0.0))
    assert [(row["registry"], row["what"]) for row in rows] == [
        (f"{count} tasks", what) for what in ("list names", "list", "load task 2") for count in (2, 4)
    ]
    assert rows[1]["manifest KiB"] > rows[0]["manifest KiB"]


def test_a_registry_is_filled_with_tasks_that_are_sound(tmp_path: Path) -> None:
    registry = registry_size.filled(tmp_path / "registry", 3)
    assert registry.tasks == ("task1", "task2", "task3")
    assert registry.verify().is_sound
