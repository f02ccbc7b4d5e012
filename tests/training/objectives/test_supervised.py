"""The supervised turn against gradients by finite differences of a loss written in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from piggygan.errors import ConfigurationError, InputError
from piggygan.training import SupervisedObjective
from tests.training.objectives.formulas import Affine, Numbers, dice_loss, generate, gradient


def test_the_supervised_turn_is_that_of_the_formula(batch: Any) -> None:
    generator = Affine()
    objective = SupervisedObjective(generator, l1_weight=2.0, dice_weight=1.0)
    x, t, g = batch.input.numpy(), batch.target.numpy(), generator.weights.detach().numpy()

    def loss(w: Numbers) -> float:
        return float(2 * np.abs(generate(w, x) - t).mean() + dice_loss(generate(w, x), t))

    (turn,) = objective.play(batch)
    total = turn.losses["l1"] + turn.losses["dice"]
    total.backward()
    assert total.item() == pytest.approx(loss(g), rel=1e-12)
    np.testing.assert_allclose(generator.weights.grad, gradient(loss, g), rtol=1e-6, atol=1e-9)


def test_a_loss_of_weight_zero_is_not_there(batch: Any) -> None:
    (turn,) = SupervisedObjective(Affine(), l1_weight=0.0, dice_weight=1.0).play(batch)
    assert list(turn.losses) == ["dice"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SupervisedObjective(Affine(), l1_weight=0.0), "both 0"),
        (lambda: SupervisedObjective(Affine(), dice_weight=-1.0), "dice_weight is -1"),
        (lambda: SupervisedObjective(Affine().requires_grad_(False)), "no parameter that may move"),
        (lambda: SupervisedObjective(Affine(), generator_parameters=Affine().parameters()), "another copy"),
    ],
)
def test_what_cannot_be_learned_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_an_output_of_another_shape_than_the_target_is_refused(batch: Any) -> None:
    with pytest.raises(InputError, match=r"\(2, 1, 3, 4\), the target \(2, 3, 3, 4\)"):
        next(SupervisedObjective(Affine()).play(batch._replace(target=batch.target.repeat(1, 3, 1, 1))))
