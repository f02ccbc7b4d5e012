"""What a sweep varies is refused before anything runs if an option could not be so."""

from __future__ import annotations

from pathlib import Path

import pytest
import tyro

from piggygan.cli.train import Train
from piggygan.errors import ConfigurationError
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.sweeping.settings import command_words, read_settings, setting_words, with_setting


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("learning_rte=1", "no option of piggygan train: did you mean 'learning_rate'?"),
        ("--learning-rte=1", "did you mean 'learning_rate'?"),
        ("zzz=1", "piggygan train --help-all has all of them"),
        ("learning_rate", "write such as 'learning_rate=2e-4,8e-4'"),
        ("learning_rate=", "write such as 'learning_rate=2e-4,8e-4'"),
        ("=3", "write such as 'learning_rate=2e-4,8e-4'"),
        ("learning_rate=fast", "needed is a number"),
        ("epochs=2.5", "needed is a whole number"),
        ("epochs=0", "epochs"),
        ("unconstrained_fraction=1.5", "unconstrained_fraction"),
        ("init=wram", "did you mean 'warm'?"),
        ("dropout=maybe", "needed is true or false"),
        ("epochs=2,2", "the value 2 twice"),
        ("epochs=2,", "needed is a whole number"),
        ("seed=1,2", "--seeds"),
        ("size=128,256", "cannot be compared"),
        ("data=a,b", "on the same data"),
        ("split=0.8/0.1/0.1", "on the same data"),
        ("commit_anyway=true,false", "is ranked too"),
    ],
)
def test_what_is_no_option_or_no_value_of_one_is_refused(word: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match="--set") as refused:
        read_settings([word])
    assert said in str(refused.value)


def test_an_option_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--set epochs is there twice: write all of its values with commas"):
        read_settings(["epochs=1", "--epochs=2"])


def test_every_value_meets_every_other_and_values_have_the_kinds_of_their_options() -> None:
    settings = read_settings(["--learning-rate=2e-4, 1", "dropout=true,False", "draws_on=facades+hands"])
    assert [setting_words(one) for one in settings] == [
        "learning_rate=0.0002 dropout=True draws_on=facades+hands",
        "learning_rate=0.0002 dropout=False draws_on=facades+hands",
        "learning_rate=1 dropout=True draws_on=facades+hands",
        "learning_rate=1 dropout=False draws_on=facades+hands",
    ]
    config = with_setting(TrainConfig(), settings[2])
    assert (config.training.learning_rate, config.network.dropout) == (1.0, True)
    assert config.method.draws_on == ("facades", "hands")


def test_the_words_of_a_configuration_are_read_as_that_configuration() -> None:
    words = ["learning_rate=3e-05", "dropout=false", "draws_on=facades+hands", "keep_checkpoints=true", "init=normal"]
    (setting,) = read_settings(words)
    config = with_setting(TrainConfig(), setting)
    config = with_setting(
        config, {"data": Path("/films of 2026"), "classes": ("lungs=150,200", "heart=250"), "seed": 3}
    )
    read = tyro.cli(Train, args=["exp", "--task", "lungs", *command_words(config)])
    assert read.options == config
