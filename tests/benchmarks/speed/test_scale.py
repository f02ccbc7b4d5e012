"""The simulated cache is an LRU, and generated registries are real ones."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

import piggygan as pg
from benchmarks.speed.registry_size import filled
from benchmarks.speed.scale import Options, cache_rows, hit_rate, write_records, zipf


@pytest.mark.parametrize("held", [1, 3, 7])
def test_hits_are_those_of_an_lru(held: int) -> None:
    asked = zipf(20, 1.0, 500)
    cached = lru_cache(maxsize=held)(lambda task: task)
    for task in asked[:held]:
        cached(task)
    before = cached.cache_info().hits
    for task in asked[held:]:
        cached(task)
    assert hit_rate(asked, held) == (cached.cache_info().hits - before) / (len(asked) - held)


def test_tasks_are_asked_for_as_zipf_has_it() -> None:
    asked = zipf(10, 1.0, 20_000)
    assert asked.count(0) / asked.count(1) == pytest.approx(2, rel=0.1)
    assert asked.count(0) / asked.count(4) == pytest.approx(5, rel=0.1)


def test_what_is_not_in_the_cache_costs_its_composing() -> None:
    hits, speed = cache_rows(Options(tasks=(9,), held=(3, 9), requests=300, call_ms=100.0, composing_ms=100.0))
    assert speed["value"] == pytest.approx(1 / (2 - hits["value"]))


def test_a_generated_registry_is_listed_and_loads(tmp_path: Path) -> None:
    registry = filled(tmp_path / "small", 2)
    size = write_records(registry.folder / "registry.json", 30)
    assert (registry.folder / "registry.json").stat().st_size == size
    there = pg.TaskRegistry(registry.folder)
    assert len(there.tasks) == 30
    assert there.load(["task30"]).tasks == ("task1", "task30")
