"""A page praises what was measured, and nothing else."""

import math

import pytest
from verdict import Verdict

from piggygan.errors import FrozenTaskError

FIXED = {"facades": 0.49, "lungs": 0.82}


def verdict(facades: float = 0.69, lungs: float = 0.95, is_proven: bool = True) -> Verdict:
    return Verdict({"facades": facades, "lungs": lungs}, FIXED, is_proven)


def words(found: Verdict) -> str:
    return "\n".join(
        [found.title("One generator", "learned both and forgot nothing"), *(note.text for note in found.notes())]
    )


def test_what_was_learned_and_proven_is_praised() -> None:
    found = verdict()
    assert found.title("One generator", "learned both and forgot nothing") == (
        "One generator learned both and forgot nothing"
    )
    assert (found.notes(), found.tone, found.proof().tone) == ([], "good", "good")
    assert found.proof().text == "Nothing was forgotten, not one bit."


@pytest.mark.parametrize("dice", [0.263, 0.82, 0.0, math.nan])
def test_a_task_that_scores_no_more_than_a_fixed_answer_is_not_learned_and_nothing_is_green(dice: float) -> None:
    found = verdict(lungs=dice)
    assert "learned both" not in words(found)
    assert "lungs were not learned" in found.title("One generator", "learned both")
    assert f"Lungs were not learned: Dice {dice:.3f}, where one and the same answer for every input scores 0.820" in (
        words(found)
    )
    assert {found.tone, found.proof().tone, *(note.tone for note in found.notes())} == {"bad", "plain"}


def test_both_tasks_may_fail() -> None:
    found = verdict(facades=0.2, lungs=0.2)
    assert found.not_learned == ("facades", "lungs")
    assert "facades and lungs were not learned" in words(found)


def test_what_is_not_proven_is_said_first() -> None:
    found = verdict(is_proven=False)
    assert found.title("One generator", "learned both") == (
        "One generator trained on facades, then on lungs: the proof failed"
    )
    assert [note.tone for note in found.notes()] == ["bad"]
    assert (found.tone, found.proof().tone) == ("bad", "bad")
    assert "forgotten" not in words(found) + found.proof().text


def test_a_proof_that_failed_ends_the_example_with_an_error() -> None:
    verdict(lungs=0.1).check()  # poor scores are said on the page; they are no error
    with pytest.raises(FrozenTaskError, match="see the report's proof"):
        verdict(is_proven=False).check()
