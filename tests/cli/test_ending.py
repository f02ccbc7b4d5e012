"""A long command ends at a signal with its own code and one line, and says what piggygan warns of."""

from __future__ import annotations

import logging
import signal

import pytest

from piggygan.cli.ending import until_ended
from piggygan.errors import TrainingInterruptedError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_own_code(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    handlers = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]

    def job() -> int:
        signal.raise_signal(number)
        return 0

    assert until_ended(job) == 128 + number
    assert capsys.readouterr().err == f"piggygan: {number.name} asked for the end: start the same again to go on.\n"
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_a_training_that_was_ended_has_said_so_itself(capsys: pytest.CaptureFixture[str]) -> None:
    def job() -> int:
        raise TrainingInterruptedError("all is saved", signal.SIGTERM)

    assert until_ended(job) == 143
    assert capsys.readouterr().err == ""


def test_warnings_are_lines_while_it_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    def job() -> int:
        logging.getLogger("piggygan.training").warning("the rates differ")
        return 0

    assert until_ended(job) == 0
    logging.getLogger("piggygan.training").warning("no more")
    assert "piggygan: the rates differ\n" in capsys.readouterr().err
