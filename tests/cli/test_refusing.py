"""Words that are no command: one line says which word, and what would do."""

from __future__ import annotations

import pytest

from piggygan.cli import main

TRAIN = "train new --task lungs "


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (TRAIN + "--epoch 3", "there is no option '--epoch': did you mean '--epochs'? Or see piggygan train --help."),
        (TRAIN + "--epoch 3 --sise 3", "there is no option '--epoch': did you mean '--epochs'? Or see"),
        (TRAIN + "--xyzzy", "there is no option '--xyzzy': see piggygan train --help."),
        (TRAIN + "-e 3", "there is no option '-e': see piggygan train --help."),
        (TRAIN + "extra", "nothing takes the word 'extra'; a name with spaces stands in quotes: see"),
        (TRAIN + "--plan yes", "nothing takes the word 'yes'; a name with spaces stands in quotes: see"),
        ("train new", "missing --task NAME. See piggygan train --help."),
        ("train", "missing FOLDER and --task NAME. See piggygan train --help."),
        ("train new --tsk lungs", "missing --task NAME, and there is no option '--tsk'. See piggygan train --help."),
        (TRAIN + "--epochs", "--epochs has no value behind it: give one. See piggygan train --help."),
        (TRAIN + "--epochs 1.5", "--epochs is '1.5'; give a whole number. See piggygan train --help."),
        (TRAIN + "--seed one", "--seed is 'one'; give a whole number."),
        (TRAIN + "--decay-from half", "--decay-from is 'half'; give a number."),
        (TRAIN + "--learning-rate 2e-4s", "--learning-rate is '2e-4s'; give a number."),
        (TRAIN + "--dropout maybe", "--dropout is 'maybe'; give False or True."),
        (TRAIN + "--objective gan", "--objective is 'gan'; give cyclegan, pix2pix or supervised."),
    ],
)
@pytest.mark.parametrize("columns", ["40", "200"])
def test_a_wrong_word_is_one_line_that_says_what_would_do(
    line: str, said: str, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as end:
        main(line.split())
    printed = capsys.readouterr()
    assert (end.value.code, printed.out) == (2, "")
    assert printed.err.startswith(f"piggygan: {said}")
    assert printed.err.count("\n") == 1
