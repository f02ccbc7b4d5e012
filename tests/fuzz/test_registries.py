"""Forged manifests and task files: a result or a PiggyganError, whatever is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.driver import Format, Outcome, fuzz, replay
from tests.fuzz.registry_formats import KINDS, manifests, task_files


@pytest.mark.parametrize("kind", KINDS)
def test_no_forged_manifest_does_more_than_be_refused(tmp_path: Path, kind: str) -> None:
    tested = manifests(tmp_path, kind)
    replay(tested)
    outcome = fuzz(tested, cases=60, seed=KINDS.index(kind))
    assert outcome.counts["2 2 1 2 2 2 0"] > 10, outcome  # the damage arrives, and is seen
    assert len(outcome.counts) > 2, outcome  # and not all at the same place


@pytest.mark.parametrize("kind", ["unet", "own"])
def test_no_forged_task_file_does_more_than_be_refused(tmp_path: Path, kind: str) -> None:
    tested = task_files(tmp_path, kind)
    replay(tested)
    outcome = fuzz(tested, cases=60, seed=KINDS.index(kind))
    assert outcome.counts["2 2"] > 10, outcome


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [manifests, task_files])
def test_nor_does_one_of_very_many(
    tmp_path: Path, make: Callable[[Path, str], Format], kind: str, fuzz_many: Callable[..., Outcome]
) -> None:
    fuzz_many(make(tmp_path, kind), part=KINDS.index(kind), parts=len(KINDS))
