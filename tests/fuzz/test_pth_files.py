"""Forged ``.pth`` files of pytorch-CycleGAN-and-pix2pix: a generator or a PiggyganError, whatever is in them.

Pickles are for trusted files only; but a damaged one, or one of another program, should cost a message and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.driver import Outcome, fuzz, replay
from tests.fuzz.pth_format import pth_files


def test_no_forged_pth_file_does_more_than_be_refused(tmp_path: Path) -> None:
    tested = pth_files(tmp_path)
    assert replay(tested).counts["result"] >= len(tested.samples)
    outcome = fuzz(tested, cases=250)
    assert outcome.counts["result"] > 5, outcome  # not all damage matters
    assert outcome.counts["CheckpointError"] > outcome.cases / 2, outcome


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_nor_does_one_of_very_many(tmp_path: Path, part: int, fuzz_many: Callable[..., Outcome]) -> None:
    fuzz_many(pth_files(tmp_path), part=part, parts=3)
