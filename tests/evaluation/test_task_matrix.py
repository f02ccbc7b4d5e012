import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piggygan.errors import ConfigurationError, TaskNotFoundError
from piggygan.evaluation.task_matrix import TaskMatrix

TASKS = ("facades", "lungs", "maps")


def matrix_of(rows: Sequence[Sequence[float | None]], **arguments: bool | dict[str, bool]) -> TaskMatrix:
    return TaskMatrix.from_dict({"tasks": TASKS[: len(rows)], "higher_is_better": True, "scores": rows} | arguments)


@pytest.fixture
def worked() -> TaskMatrix:
    """Three tasks, checked with pen and paper.

    backward transfer: facades 0.5 - 0.8 = -0.3, lungs 0.9 - 0.6 = +0.3
    forgetting: facades max(0.8, 0.85) - 0.5 = 0.35, lungs max(0.1, 0.6) - 0.9 = -0.3
    """
    return matrix_of([[0.8, 0.1, None], [0.85, 0.6, None], [0.5, 0.9, 0.7]])


def test_the_worked_example_has_the_numbers_found_by_hand(worked: TaskMatrix) -> None:
    assert worked.average() == pytest.approx((0.5 + 0.9 + 0.7) / 3)
    assert worked.average_incremental() == pytest.approx((0.8 + (0.85 + 0.6) / 2 + (0.5 + 0.9 + 0.7) / 3) / 3)
    assert worked.backward_transfer_by_task() == pytest.approx({"facades": -0.3, "lungs": 0.3})
    assert worked.backward_transfer() == pytest.approx(0.0)
    assert worked.forgetting_by_task() == pytest.approx({"facades": 0.35, "lungs": -0.3})
    assert worked.forgetting() == pytest.approx(0.025)


def test_where_lower_is_better_the_signs_turn_and_the_best_is_the_lowest() -> None:
    rows: list[list[float | None]] = [[0.2, None, None], [0.15, 0.4, None], [0.5, 0.1, 0.3]]
    matrix = matrix_of(rows, higher_is_better=False)
    assert matrix.backward_transfer_by_task() == pytest.approx({"facades": 0.2 - 0.5, "lungs": 0.4 - 0.1})
    assert matrix.forgetting_by_task() == pytest.approx({"facades": 0.5 - 0.15, "lungs": 0.1 - 0.4})


def test_the_direction_can_differ_between_tasks() -> None:
    rows: list[list[float | None]] = [[0.2, None], [0.5, 0.9]]
    directions = {"facades": False, "lungs": True}
    assert matrix_of(rows, higher_is_better=directions).forgetting() == pytest.approx(0.3)
    with pytest.raises(ConfigurationError, match="mean says nothing"):
        matrix_of(rows, higher_is_better=directions).average()
    with pytest.raises(ConfigurationError, match="mean says nothing"):
        matrix_of(rows, higher_is_better=directions).average_incremental()


def test_scores_that_stay_the_same_show_exactly_no_forgetting() -> None:
    matrix = matrix_of([[0.1, None, None], [0.1, 0.7, None], [0.1, 0.7, 0.3]])
    assert matrix.forgetting() == 0
    assert math.copysign(1, matrix.forgetting() or 0.0) == 1  # shown as 0.000, not as -0.000
    assert matrix.backward_transfer() == 0


def test_numbers_can_be_read_half_way() -> None:
    matrix = matrix_of([[0.8, None, None], [0.6, 0.9, 0.2], [None, None, None]])
    assert matrix.average_incremental() == pytest.approx((0.8 + 0.75) / 2)
    assert matrix.average() == pytest.approx(0.75)  # the score on maps, not learned yet, is no part of it
    assert matrix.backward_transfer() == pytest.approx(-0.2)


def test_with_one_task_there_is_nothing_to_forget() -> None:
    matrix = matrix_of([[0.8]])
    assert matrix.average() == 0.8
    assert matrix.backward_transfer() is None
    assert matrix.forgetting() is None


def test_a_matrix_without_scores_has_no_numbers() -> None:
    matrix = TaskMatrix(TASKS)
    assert (matrix.average(), matrix.backward_transfer(), matrix.forgetting()) == (None, None, None)


def test_tasks_with_an_unknown_score_are_left_out_of_the_means() -> None:
    matrix = matrix_of([[None, None, None], [0.4, 0.9, None], [0.3, 0.8, 0.5]])
    assert matrix.backward_transfer_by_task() == pytest.approx({"lungs": -0.1})
    assert matrix.forgetting_by_task() == pytest.approx({"facades": 0.1, "lungs": 0.1})


def test_a_score_taken_again_replaces_the_former() -> None:
    matrix = TaskMatrix(TASKS)
    matrix.record(after="lungs", on="facades", score=0.5)
    matrix.record(after="lungs", on="facades", score=0.6)
    assert matrix.score(after="lungs", on="facades") == 0.6
    assert matrix.score(after="facades", on="lungs") is None
    assert matrix.rows[1] == (0.6, None, None)


squares = st.integers(1, 3).flatmap(
    lambda side: st.lists(
        st.lists(
            st.none() | st.floats(-10, 10, allow_subnormal=False).map(lambda x: x + 0.0),
            min_size=side,
            max_size=side,
        ),
        min_size=side,
        max_size=side,
    )
)


@settings(max_examples=60, deadline=None)
@given(squares)
def test_a_matrix_survives_json_and_turning_every_sign_changes_no_number(rows: list[list[float | None]]) -> None:
    matrix = matrix_of(rows)
    again = TaskMatrix.from_dict(json.loads(json.dumps(matrix.as_dict())))
    assert again.rows == matrix.rows == tuple(tuple(row) for row in rows)
    assert again.as_dict() == matrix.as_dict()

    negated = [[None if score is None else -score for score in row] for row in rows]
    mirror = matrix_of(negated, higher_is_better=False)
    assert mirror.forgetting() == matrix.forgetting()
    assert mirror.backward_transfer() == matrix.backward_transfer()


def test_an_unknown_task_is_refused_with_the_close_names(worked: TaskMatrix) -> None:
    with pytest.raises(TaskNotFoundError, match=r"'lung'.*\['lungs'\]"):
        worked.record(after="lung", on="facades", score=0.5)
    with pytest.raises(TaskNotFoundError, match="there are"):
        worked.score(after="facades", on="xyz")
    with pytest.raises(TaskNotFoundError, match="'cats'"):
        TaskMatrix(TASKS, higher_is_better={"cats": True})


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_not_a_finite_number_is_refused(worked: TaskMatrix, score: float) -> None:
    before = worked.rows
    with pytest.raises(ConfigurationError, match="finite"):
        worked.record(after="maps", on="maps", score=score)
    assert worked.rows == before


@pytest.mark.parametrize("tasks", [[], ["lungs", "lungs"]])
def test_no_tasks_or_one_twice_are_refused(tasks: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="at least one, and each once"):
        TaskMatrix(tasks)


def test_a_task_without_a_direction_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"says nothing of \['lungs'"):
        TaskMatrix(TASKS, higher_is_better={"facades": True})


@pytest.mark.parametrize(
    "stored",
    [
        {"tasks": ["a"], "scores": [[1.0]]},
        {"tasks": ["a", "b"], "higher_is_better": True, "scores": [[1.0, 1.0]]},
        {"tasks": ["a", "b"], "higher_is_better": True, "scores": [[1.0, 1.0], [1.0]]},
    ],
)
def test_a_stored_matrix_with_parts_missing_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="stored task matrix"):
        TaskMatrix.from_dict(stored)
