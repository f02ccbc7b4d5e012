"""Each loss against the formula, in loops over Python floats."""

import math

import numpy as np
import pytest
import torch

from piggygan.training import adversarial_loss, l1_loss, soft_dice_loss


def scores(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("is_real", [True, False])
def test_the_vanilla_loss_is_the_negative_log_likelihood(is_real: bool) -> None:
    values = [-3.0, -0.5, 0.0, 2.0]
    sigmoids = [1 / (1 + math.exp(-value)) for value in values]
    expected = -sum(math.log(s if is_real else 1 - s) for s in sigmoids) / 4
    assert adversarial_loss(scores(*values), is_real, "vanilla").item() == pytest.approx(expected, rel=1e-12)


def test_the_vanilla_loss_does_not_overflow() -> None:
    assert adversarial_loss(scores(1e4), is_real=False, kind="vanilla").item() == 1e4
    assert adversarial_loss(scores(-1e4), is_real=True, kind="vanilla").item() == 1e4


@pytest.mark.parametrize(("is_real", "expected"), [(True, (9 + 1 + 4) / 3), (False, (4 + 0 + 9) / 3)])
def test_the_least_squares_loss_is_the_distance_from_one_or_zero(is_real: bool, expected: float) -> None:
    assert adversarial_loss(scores(-2.0, 0.0, 3.0), is_real, "least_squares").item() == pytest.approx(expected)


def test_soft_dice_is_taken_image_by_image() -> None:
    random = np.random.default_rng(0)
    output, target = random.uniform(-1, 1, (3, 2, 4, 5)), random.choice([-1.0, 1.0], (3, 2, 4, 5))
    losses = []
    for found, wanted in zip(output, target, strict=True):
        overlap = below = 0.0
        for p, t in zip(found.ravel(), wanted.ravel(), strict=True):
            overlap += (p + 1) / 2 * (t + 1) / 2
            below += (p + 1) / 2 + (t + 1) / 2
        losses.append(1 - (2 * overlap + 1) / (below + 1))
    loss = soft_dice_loss(torch.from_numpy(output), torch.from_numpy(target))
    assert loss.item() == pytest.approx(sum(losses) / 3, rel=1e-12)


def test_an_empty_mask_that_is_found_empty_costs_nothing() -> None:
    empty = torch.full((1, 1, 4, 4), -1.0)
    assert soft_dice_loss(empty, empty).item() == 0


def test_losses_of_half_precision_outputs_are_computed_in_single_precision() -> None:
    output = torch.full((1, 1, 64, 64), 0.5, dtype=torch.bfloat16)
    target = torch.ones(1, 1, 64, 64)
    for loss in (
        l1_loss(output, target),
        soft_dice_loss(output, target),
        adversarial_loss(output, is_real=True, kind="vanilla"),
    ):
        assert loss.dtype == torch.float32
    assert l1_loss(output, target).item() == 0.5
