"""Whoever reads a message on the command line reads the names of its options."""

from __future__ import annotations

import pytest

from piggygan.cli.commands import Command
from piggygan.cli.evaluate import Evaluate
from piggygan.cli.option_names import as_options, options_named
from piggygan.cli.predict import Predict
from piggygan.cli.train import Train
from piggygan.errors import ConfigurationError, TrainingInterruptedError


@pytest.mark.parametrize(
    ("command", "message", "said"),
    [
        (Train, "epochs is 0; give more.", "--epochs is 0; give more."),
        (Train, "split is '0.5/0.5'; needed", "--split is '0.5/0.5'; needed"),
        (Train, "Repair or remove them, or raise max_skipped:", "Repair or remove them, or raise --max-skipped:"),
        (
            Train,
            "draw sides with split=0.7/0.3 and split_by=patient.",
            "draw sides with --split 0.7/0.3 and --split-by patient.",
        ),
        (
            Train,
            "frozen for ever (seed was 0, is 1; epochs was 1, is 2):",
            "frozen for ever (--seed was 0, is 1; --epochs was 1, is 2):",
        ),
        (
            Train,
            "(images was not given, is 'a'; keep was last, is best)",
            "(--images was not given, is 'a'; --keep was last, is best)",
        ),
        (Train, "it has dropout=False", "it has --dropout False"),
        (Predict, "predict without (dicom_seg=False)", "predict without (--no-dicom-seg)"),
        (Predict, "say dicom_seg=True.", "say --dicom-seg."),
        (Predict, "leave size out, or expect worse.", "leave --size out, or expect worse."),
        (Evaluate, "palette is 'x'", "--palette is 'x'"),
    ],
)
def test_an_argument_reads_as_the_option_of_the_command(command: type[Command], message: str, said: str) -> None:
    assert as_options(message, command) == said


@pytest.mark.parametrize(
    "message",
    [
        "'batch_size is 3.png' and \"split=1\" are names of files",
        "its data is of another kind, and the size is not known",
        "the folder runs/max_skipped/new is a file",
        "max_skipped.png is no picture",
        "--net x:y takes in_channels= and out_channels=",
        "say --batch-size 3, or --no-dropout",
        "what is read with max_pixels is no option of it",
    ],
)
def test_what_is_no_argument_stays(message: str) -> None:
    assert as_options(message, Train) == message


def test_an_error_stays_what_it_is() -> None:
    with pytest.raises(ConfigurationError, match=r"^--batch-size is 0$"), options_named(Train):
        raise ConfigurationError("batch_size is 0")
    with pytest.raises(TrainingInterruptedError) as end, options_named(Train):
        raise TrainingInterruptedError("all is saved", 15)
    assert end.value.exit_code == 143
    assert str(end.value) == "all is saved"
