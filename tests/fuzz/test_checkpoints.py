"""Forged checkpoints: whatever is in one, a training goes on from it or refuses it in words, and is as it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from piggygan.errors import ResumeError
from tests.fuzz.checkpoint_format import Parts, Trained, checkpoints, cut_off, leave_out, tensor_names
from tests.fuzz.driver import Outcome, fuzz, replay


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return cut_off(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    """Start the same training, whose checkpoints are not there yet."""
    (tmp_path / "checkpoints").mkdir()
    return Trained(tmp_path / "checkpoints")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logger, threads = logging.getLogger("piggygan"), torch.get_num_threads()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    torch.set_num_threads(1)
    yield
    logger.setLevel(level)
    torch.set_num_threads(threads)


def test_a_forged_checkpoint_is_gone_on_from_or_refused_in_words(tmp_path: Path, whole: bytes) -> None:
    tested = checkpoints(tmp_path, whole)
    assert replay(tested).counts["result"] >= 1
    outcome = fuzz(tested, cases=60)
    assert outcome.counts["result"] > 0, outcome  # what is changed harmlessly, a wall time say, is taken
    assert outcome.counts["ResumeError"] > outcome.cases / 2, outcome


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_so_are_very_many(tmp_path: Path, whole: bytes, part: int, fuzz_many: Callable[..., Outcome]) -> None:
    fuzz_many(checkpoints(tmp_path, whole), part=part, parts=2)


@pytest.mark.parametrize("lists_them", [True, False])
@pytest.mark.parametrize("part", ["optimizer.", "optimizer.discriminators.", "random.", "network."])
def test_a_checkpoint_without_a_part_is_refused(trained: Trained, whole: bytes, part: str, lists_them: bool) -> None:
    parts = Parts.of(whole)
    leave_out(parts, part)
    parts.document["tensors"] = sorted(tensor_names(parts)) if lists_them else None
    trained.put(parts.to_bytes(), "last", (1, 5))
    with pytest.raises(ResumeError):
        trained.go_on()


def test_one_tensor_of_the_optimizers_or_the_pools_cannot_be_left_out(trained: Trained, whole: bytes) -> None:
    (name, *_) = (name for name in tensor_names(Parts.of(whole)) if name.startswith("objective."))
    for left_out in (name, "optimizer.generators.0.exp_avg", "optimizer.generators.0."):
        parts = Parts.of(whole)
        leave_out(parts, left_out)
        trained.put(parts.to_bytes(), "last", (1, 5))
        with pytest.raises(ResumeError, match="belongs to another training"):
            trained.go_on()


def test_a_position_beyond_numpys_random_state_is_refused_and_not_read(trained: Trained, whole: bytes) -> None:
    parts = Parts.of(whole)
    _, end = parts.header["random.numpy"]["data_offsets"]
    parts.data[end - 8 : end] = np.int64(2**40).tobytes()
    trained.put(parts.to_bytes(), "last", (1, 5))
    with pytest.raises(ResumeError, match="position 1099511627776"):
        trained.go_on()


def test_a_name_that_tells_another_position_is_refused(trained: Trained, whole: bytes) -> None:
    trained.put(whole, "last", (1, 4))
    with pytest.raises(ResumeError, match="is named as one of"):
        trained.go_on()
