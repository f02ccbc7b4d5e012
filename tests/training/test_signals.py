"""Signals that ask a training to end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import TrainingInterruptedError
from piggygan.training import Checkpoints
from piggygan.training.checkpoints.folder import CheckpointFolder
from piggygan.training.progress_bar import TrainingProgress
from piggygan.training.signals import HANDLED, Signals

State = Callable[[Path], tuple[Any, dict[str, bytes]]]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 128 + signal.SIGUSR1)]
)
def test_e05_a_signal_saves_at_the_next_step_and_the_training_goes_on_to_the_same_bytes(
    program: Any,
    end_state: State,
    uninterrupted: Callable[[str, str], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    number: signal.Signals,
    code: int,
) -> None:
    objective = program.make_objective()
    play, steps = objective.play, 0

    def interrupted(batch: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == 13:
            signal.raise_signal(number)
        return play(batch)

    objective.play = interrupted
    former = [signal.signal(known, signal.default_int_handler) for known in HANDLED]
    try:
        with pytest.raises(TrainingInterruptedError, match=r"1 epochs and 3 batches") as caught:
            program.run(objective, program.make_data("shuffle"), Checkpoints(tmp_path))
        assert [signal.getsignal(known) for known in HANDLED] == [signal.default_int_handler] * 3
    finally:
        for known, handler in zip(HANDLED, former, strict=True):
            signal.signal(known, handler)
    assert caught.value.exit_code == code
    assert [record.getMessage() for record in caplog.records] == [str(caught.value)]
    assert steps == 13
    program.run(program.make_objective(), program.make_data("shuffle"), Checkpoints(tmp_path))
    assert end_state(tmp_path) == end_state(uninterrupted("pix2pix", "shuffle"))


def test_e05_a_second_signal_does_at_once_what_it_always_did() -> None:
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGTERM)
            assert signals.received == signal.SIGTERM
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, former)


def test_e05_what_is_ignored_stays_ignored_and_other_threads_handle_nothing() -> None:
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGINT)
            assert signals.received is None
        handlers: list[Any] = []

        def look() -> None:
            with Signals():
                handlers.extend(signal.getsignal(number) for number in HANDLED)

        before = [signal.getsignal(number) for number in HANDLED]
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert handlers == before
    finally:
        signal.signal(signal.SIGINT, former)


def send_at_the_end_of(function: Callable[..., Any], number: int, when: Callable[..., bool]) -> Callable[..., Any]:
    """Let a function raise a signal, once it is done."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        if when(*arguments):
            signal.raise_signal(number)
        return result

    return wrapped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("position", [(1, 0), (2, 5), (4, 0)])
def test_e05_a_signal_during_a_save_ends_the_training_with_it(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, position: tuple[int, int]
) -> None:
    during = send_at_the_end_of(CheckpointFolder.save, number, lambda *given: given[2] == position)
    monkeypatch.setattr(CheckpointFolder, "save", during)
    checkpoints = Checkpoints(tmp_path, every_steps=5)
    with pytest.raises(TrainingInterruptedError, match=f"{position[0]} epochs and {position[1]} batches"):
        program.run(program.make_objective(), program.make_data("list"), checkpoints)
    (newest, *_) = CheckpointFolder(tmp_path, 2).stored("last")
    assert newest.position == position
    assert len(program.run(program.make_objective(), program.make_data("list"), checkpoints).epochs) == 4


@pytest.mark.parametrize(
    "part", [(TrainingProgress, "__exit__"), (TrainingProgress, "__enter__"), (Signals, "_restore")]
)
def test_e05_a_signal_around_a_training_that_is_finished_is_not_lost(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: tuple[type, str]
) -> None:
    program.run(program.make_objective(), program.make_data("list"), Checkpoints(tmp_path), epochs=1)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(*part, send_at_the_end_of(getattr(*part), signal.SIGINT, lambda *_: True))
    try:
        with pytest.raises((TrainingInterruptedError, KeyboardInterrupt)):
            program.run(program.make_objective(), program.make_data("list"), Checkpoints(tmp_path), epochs=1)
    finally:
        signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_e05_no_signal_is_lost_whatever_is_being_computed(program: Any, tmp_path: Path, seed: int) -> None:
    data = program.make_data("list")[:1]
    heard: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))

    def calls_until(folder: Path, chosen: int) -> tuple[int, bool]:
        """Train, and raise a signal at one of the calls; say how many there were, and whether the end came of it."""
        objective, calls = program.make_objective("supervised"), 0

        def count(*_: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == chosen:
                signal.raise_signal(signal.SIGTERM)

        sys.setprofile(count)
        try:
            program.run(objective, data, Checkpoints(folder), epochs=1)
        except TrainingInterruptedError:
            return calls, True
        finally:
            sys.setprofile(None)
        return calls, False

    try:
        total, _ = calls_until(tmp_path / "none", -1)
        # Some of all calls, and more of the last ones, where a signal is noted that no step will look at.
        some = range(7, total, total // (9 + 300 * seed))
        for number in (*some, *range(total - 300, total, 60 - 59 * seed)):
            heard.clear()
            calls, is_interrupted = calls_until(tmp_path / str(number), number)
            assert is_interrupted or heard or calls < number, f"lost at call {number} of {total}"
    finally:
        signal.signal(signal.SIGTERM, former)


def test_e05_an_error_after_a_signal_does_not_hide_it(program: Any, tmp_path: Path) -> None:
    def fails(_: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        raise KeyError("score")

    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            program.run(program.make_objective(), program.make_data("list"), Checkpoints(tmp_path), on_epoch=fails)
    finally:
        signal.signal(signal.SIGINT, former)
    assert isinstance(caught.value.__context__, KeyError)


def test_e05_a_script_that_catches_nothing_ends_in_one_line_with_the_code_of_the_signal() -> None:
    code = (
        "import os; from piggygan.errors import TrainingInterruptedError\n"
        "for number in (15, 2):\n"
        "    if not (child := os.fork()): raise TrainingInterruptedError('saved', number)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("143\n130\n", "")


def end_by(process: Any, steps: int, number: int) -> float:
    """Send a signal after some steps and wait for the end; return when it was sent, in seconds since 1970."""
    for _ in range(steps):
        assert process.stdout.readline() == "step\n", process.stderr.read()
    sent = time.time()
    process.send_signal(number)
    process.communicate(timeout=60)
    return sent


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
def test_e05_a_process_ends_with_the_code_of_its_signal(
    start_program: Any, end_state: State, tmp_path: Path, number: int, code: int
) -> None:
    process = start_program(tmp_path, "--every-steps", "1000", "--slow", "0.02")
    end_by(process, 5, number)
    assert process.returncode == code
    assert end_state(tmp_path)[0]["account"]["batches"] >= 5


@pytest.mark.parametrize(("data", "slow"), [("workers", "0.3"), ("slow workers", "0")])
def test_e05_a_signal_that_ends_the_workers_too_is_answered(
    start_program: Any, end_state: State, tmp_path: Path, data: str, slow: str
) -> None:
    """As a scheduler sends it, to all processes of a job: in the midst of a step, or while the next is waited for."""
    process = start_program(tmp_path, "--every-steps", "1000", "--slow", slow, "--data", data, start_new_session=True)
    for _ in range(3):
        assert process.stdout.readline() == "step\n"
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert end_state(tmp_path)[0]["account"]["batches"] >= 3


@pytest.mark.slow
def test_e05_a_second_signal_ends_a_process_within_its_step(start_program: Any, tmp_path: Path) -> None:
    process = start_program(tmp_path, "--slow", "30")
    assert process.stdout.readline() == "step\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    end_by(process, 0, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []


@pytest.mark.slow
def test_e05_twenty_of_twenty_processes_have_saved_within_10_seconds(
    start_program: Any, end_state: State, tmp_path: Path
) -> None:
    for steps in range(1, 21):
        folder = tmp_path / str(steps)
        process = start_program(folder, "--every-steps", "1000", "--slow", "0.05")
        sent = end_by(process, steps, signal.SIGTERM)
        assert process.returncode == 143
        committed = max(path.stat().st_mtime for path in folder.glob("last-*"))
        assert committed - sent < 10  # the promise itself, not a measurement of speed
        document = end_state(folder)[0]
        assert 10 * document["finished_epochs"] + document["account"]["batches"] >= steps
