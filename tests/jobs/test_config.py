"""What can be chosen is refused outside its range as soon as it is said."""

from __future__ import annotations

from typing import Any

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.config import LearningConfig, NetworkConfig, ProvenanceConfig


@pytest.mark.parametrize("name", ["size", "width"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_a_network_has_a_size_and_a_width_or_leaves_them_open(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is {value}; give a whole number of at least 1"):
        NetworkConfig(**{name: value})
    assert getattr(NetworkConfig(**{name: 1}), name) == 1
    assert getattr(NetworkConfig(), name) is None


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("epochs", 1),
        ("batch_size", 1),
        ("validate_every", 1),
        ("discriminator_layers", 1),
        ("seed", 0),
        ("workers", 0),
    ],
)
def test_counts_of_the_learning_have_a_least_number(name: str, least: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is {least - 1}; give a whole number of at least {least}"):
        LearningConfig(**{name: least - 1})  # type: ignore[arg-type]
    assert getattr(LearningConfig(**{name: least}), name) == least  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["data_statement", "licence"])
@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[2J", "x" * 4001])
def test_what_is_said_of_data_and_weights_is_one_line(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match="needed is one line of 1 to"):
        ProvenanceConfig(**{name: text})
    assert getattr(ProvenanceConfig(**{name: "Ours."}), name) == "Ours."
