"""The word that was probably meant is asked for."""

from piggygan.terminal.guessing import did_you_mean


def test_case_and_underscores_hide_no_word() -> None:
    assert did_you_mean("Fine_Tuning", ("separate", "fine-tuning")) == "did you mean 'fine-tuning'? "
    assert did_you_mean("batch-size", ["batch_size"]) == "did you mean 'batch_size'? "


def test_what_is_near_nothing_asks_nothing() -> None:
    assert did_you_mean("doors", ("lungs", "facades")) == ""
    assert did_you_mean("doors", ()) == ""


def test_known_words_may_be_given_once_only() -> None:
    assert did_you_mean("lung", iter(["lungs"])) == "did you mean 'lungs'? "
