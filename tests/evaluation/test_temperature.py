"""A temperature is the one at which what was seen is likeliest: compared with a search by hand in float64."""

from __future__ import annotations

import math

import pytest
import torch

from piggygan.errors import InputError
from piggygan.evaluation.temperature import (
    TemperatureFit,
    logits_of,
    probabilities_of,
    temperature_of,
    temperature_tensors,
)


def drawn(truth: float, count: int = 40_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw outputs whose logits are ``truth`` times too large for how often they are right."""
    numbers = torch.Generator().manual_seed(0)
    logits = torch.randn(count, generator=numbers, dtype=torch.float64) * 3
    targets = (torch.rand(count, generator=numbers, dtype=torch.float64) < torch.sigmoid(logits)).double() * 2 - 1
    return torch.tanh(logits * truth / 2), targets


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_the_temperature_is_by_how_much_a_network_is_too_sure(truth: float) -> None:
    outputs, targets = drawn(truth)
    fit = TemperatureFit()
    for part in range(4):  # as batches come
        fit.update(outputs[part::4].view(10, 1, 10, 100), targets[part::4].view(10, 1, 10, 100))
    found = fit.temperature()
    assert found == pytest.approx(truth, rel=0.05)

    def surprise(temperature: float) -> float:
        signed = logits_of(outputs) * targets / temperature
        return float(torch.log1p(torch.exp(-signed)).mean())

    assert surprise(found) <= min(surprise(found * 1.02), surprise(found / 1.02))


def test_probabilities_are_those_of_the_outputs_at_temperature_1_and_keep_their_side() -> None:
    outputs = torch.tensor([-1.0, -0.4, 0.0, 0.4, 1.0])
    assert torch.allclose(probabilities_of(outputs), (outputs.double() + 1) / 2, atol=1e-6)
    for temperature in (0.1, 3.0):
        assert torch.equal(probabilities_of(outputs, temperature) > 0.5, outputs > 0)


def test_nothing_is_known_of_masks_that_are_all_alike() -> None:
    fit = TemperatureFit()
    fit.update(torch.full((1, 4, 4), -0.9), torch.full((1, 4, 4), -1.0))
    assert fit.temperature() is None


def test_an_attachment_gives_its_temperature_or_is_none() -> None:
    assert temperature_of(temperature_tensors(1.25)) == 1.25
    for wrong in ({}, {"temperature": torch.zeros(2)}, temperature_tensors(-1.0), temperature_tensors(math.inf)):
        with pytest.raises(InputError, match="'calibration'"):
            temperature_of(wrong)
