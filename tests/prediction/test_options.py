"""What can be chosen is checked before anything is read."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from piggygan.errors import ConfigurationError
from piggygan.prediction import PredictionOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [("size", 0), ("batch_size", 0), ("largest", 0), ("fit", "crop"), ("kind", "video"), ("size", -256)],
)
def test_d03_an_option_outside_its_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name):
        PredictionOptions(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["size", "batch_size", "largest"])
@pytest.mark.parametrize("wrong", [2.0, float("nan"), True, "2", [2]], ids=repr)
def test_what_is_counted_is_a_whole_number(name: str, wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} is {re.escape(repr(wrong))}; needed is a whole number\.$"):
        PredictionOptions(**{name: wrong})  # type: ignore[arg-type]


def test_a_whole_number_of_numpy_is_one_of_pythons() -> None:
    options = PredictionOptions(size=np.int64(64), largest=np.uint8(2))  # type: ignore[arg-type]
    assert type(options.size) is type(options.largest) is int
    assert json.loads(json.dumps(asdict(options)))["size"] == 64


def test_the_side_is_256_unless_somebody_says_another() -> None:
    assert PredictionOptions().side == 256
    assert PredictionOptions(size=48).side == 48


def test_options_are_told_in_words_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="fit is 'crop'; there are stretch, pad, tile"):
        PredictionOptions(fit="crop")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="kind is 'video'; there are mask and picture"):
        PredictionOptions(kind="video")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="largest is 0; keep at least 1 part of a mask, or None for all"):
        PredictionOptions(largest=0)


@pytest.mark.parametrize("device", ["", "gpu", "meta", "cuda:x"])
def test_a_device_that_pytorch_does_not_know_is_refused(device: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^device is '{device}'; needed is a name of PyTorch's"):
        PredictionOptions(device=device)
    assert PredictionOptions(device="cuda:1").device == "cuda:1"  # whether it is there is seen when it is used


def test_a_pseudonym_needs_a_key_and_nothing_else_takes_one() -> None:
    with pytest.raises(ConfigurationError, match="patient is 'none'; there are copy, empty, pseudonym"):
        PredictionOptions(patient="none")  # type: ignore[arg-type]
    for wrong in ({"patient": "pseudonym"}, {"patient_key": "key"}, {"patient": "empty", "patient_key": "key"}):
        with pytest.raises(ConfigurationError, match="give patient_key for 'pseudonym', and for nothing else"):
            PredictionOptions(**wrong)  # type: ignore[arg-type]
    assert PredictionOptions(patient="pseudonym", patient_key="key").patient_key == "key"


def test_rules_for_masks_are_read_before_a_film_is() -> None:
    with pytest.raises(ConfigurationError, match="know no 'part': did you mean 'parts'"):
        PredictionOptions(require="part<=2")
    assert PredictionOptions(require="lungs,parts<=2").require == "lungs,parts<=2"
