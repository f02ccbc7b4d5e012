"""Signals that ask a training to end."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import TrainingInterruptedError
from piggygan.training import Checkpoints
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
