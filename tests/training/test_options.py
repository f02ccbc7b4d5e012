from typing import Any

import pytest

from piggygan.errors import ConfigurationError
from piggygan.training import TrainingOptions


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"epochs": 2.0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"betas": (0.5, 1.0)},
        {"betas": (0.5,)},
        {"decay_from": 1.5},
        {"weight_decay": -1e-4},
        {"mixed_precision": "fp8"},
        {"seed": -1},
        {"seed": 2**31},
        {"tolerated_bad_steps": -1},
        {"sample_every": 0},
    ],
)
def test_an_option_outside_its_range_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(bad))):
        TrainingOptions(**{"epochs": 1, **bad})


def test_the_defaults_are_those_of_pix2pix() -> None:
    options = TrainingOptions(epochs=1)
    assert (options.learning_rate, options.betas, options.weight_decay) == (2e-4, (0.5, 0.999), 0.0)
