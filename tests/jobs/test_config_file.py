"""A configuration goes to TOML and comes back, and a typo in one is named."""

import dataclasses
import typing
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.config import LearningConfig, MethodConfig, NetworkConfig, ProvenanceConfig, TrainConfig
from piggygan.jobs.config_file import config_to_toml, read_config
from piggygan.jobs.data import DataConfig

EVERYTHING = TrainConfig(
    DataConfig(Path("/a b/c"), split="0.7/0.1/0.2", split_by="(.*)_", direction="BtoA", classes=("1", "2")),
    NetworkConfig("mine:make", 64, 8, "instance", False),
    MethodConfig("lungs", ("facades", "lungs"), 0.5, 2.0, 1.0, "normal"),
    LearningConfig("supervised", 7, 2, 1e-5, 1.0, 3, "cpu", "bf16", "films", 1.0, 0.0, keep="best", validate_every=2),
    ProvenanceConfig('Films of "one" hospital', "CC-BY-4.0"),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "doors.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("config", [TrainConfig(), EVERYTHING])
def test_what_is_written_is_read_back(tmp_path: Path, config: TrainConfig) -> None:
    assert read_config(written(tmp_path, config_to_toml(config))) == config


def test_every_option_stands_in_the_file() -> None:
    text = config_to_toml(TrainConfig())
    for part, kind in typing.get_type_hints(TrainConfig).items():
        assert f"[{part}]" in text
        for option in dataclasses.fields(kind):
            assert f"\n{option.name} = " in text or f"# {option.name} is not set" in text


def test_no_two_options_have_one_name_so_that_none_needs_a_prefix() -> None:
    names = [field.name for kind in typing.get_type_hints(TrainConfig).values() for field in dataclasses.fields(kind)]
    assert len(set(names)) == len(names)


def test_paths_begin_where_the_file_is(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, '[data]\ndata = "facades"\n')).data.data == tmp_path / "facades"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nepoch = 3\n", r"no option epoch in \[training\]: did you mean 'epochs'\?"),
        ("[training]\nlearning-rate = 3.0\n", r"did you mean 'learning_rate'\?"),
        ("[trainin]\nepochs = 3\n", r"no option \[trainin\]: did you mean 'training'\?"),
        ("[data]\nepochs = 3\n", r"epochs belongs in \[training\]"),
        ("epochs = 3\n", r"epochs belongs in \[training\]"),
        ("training = 3\n", r"it is a table: write \[training\]"),
        ('[training]\nepochs = "3"\n', r"epochs in \[training\] is '3'; needed is a whole number"),
        ("[training]\nepochs = 3.0\n", "needed is a whole number"),
        ("[training]\nepochs = true\n", "needed is a whole number"),
        ("[training]\nepochs = 0\n", "epochs is 0"),
        ('[training]\nkeep = "lost"\n', "needed is 'last' or 'best'"),
        ('[method]\ndraws_on = "lungs"\n', "needed is a list"),
        ("[training\n", "is no TOML"),
        ('[network]\nnet = "\\ud800"\n', "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_option(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_config(written(tmp_path, text))


def test_a_file_that_is_not_there_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no configuration"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        read_config(tmp_path)
