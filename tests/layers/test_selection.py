"""Which task is computed where several threads, coroutines and blocks are at work."""

import asyncio
import copy
import threading

import pytest

from piggygan.errors import TaskNotChosenError
from piggygan.layers.selection import Selection


def test_the_only_task_needs_no_choice_and_one_of_several_does() -> None:
    selection = Selection("facades")
    assert selection.task == "facades"
    selection.tasks = ("facades", "lungs")
    assert selection.chosen is None
    with pytest.raises(TaskNotChosenError, match="facades, lungs"):
        _ = selection.task


def test_interleaved_coroutines_keep_their_tasks_apart() -> None:
    selection = Selection("facades", "lungs")
    seen: list[tuple[str, str]] = []

    async def work(task: str) -> None:
        with selection.using(task):
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append((task, selection.task))

    async def both() -> None:
        await asyncio.gather(work("facades"), work("lungs"))

    asyncio.run(both())
    assert len(seen) == 6
    assert all(meant == computed for meant, computed in seen)
    assert selection.chosen is None


def test_a_coroutine_that_is_cancelled_leaves_nothing_selected() -> None:
    selection = Selection("facades", "lungs")

    async def stopped() -> None:
        async def work() -> None:
            with selection.using("lungs"):
                await asyncio.sleep(60)

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert selection.chosen is None

    asyncio.run(stopped())


def test_blocks_left_in_another_order_than_entered_leave_nothing_selected() -> None:
    selection = Selection("facades", "lungs", "hearts")
    first, second = selection.using("lungs"), selection.using("hearts")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert selection.task == "hearts"
    second.__exit__(None, None, None)
    assert selection.chosen is None


def test_two_models_do_not_choose_for_each_other() -> None:
    one, other = Selection("facades", "lungs"), Selection("facades", "lungs")
    with one.using("lungs"), other.using("facades"):
        assert (one.task, other.task) == ("lungs", "facades")
        assert copy.deepcopy(one).chosen is None


def test_a_thread_chooses_for_itself() -> None:
    selection = Selection("facades", "lungs")
    seen: list[str | None] = []
    with selection.using("lungs"):
        thread = threading.Thread(target=lambda: seen.append(selection.chosen))
        thread.start()
        thread.join()
    assert seen == [None]


def test_an_error_in_a_block_gives_the_former_task_back() -> None:
    selection = Selection("facades", "lungs")
    with selection.using("facades"):
        with pytest.raises(KeyError), selection.using("lungs"):
            raise KeyError
        assert selection.task == "facades"
