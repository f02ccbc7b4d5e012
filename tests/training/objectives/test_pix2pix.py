"""Both turns of pix2pix against gradients by finite differences of a loss written in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.training import Pix2PixObjective
from tests.training.objectives.formulas import Affine, Numbers, Plane, dice_loss, gan_loss, generate, gradient, judge


@pytest.mark.parametrize("gan", ["vanilla", "least_squares"])
def test_both_turns_of_pix2pix_are_those_of_the_formulas(batch: Any, gan: Any) -> None:
    generator, discriminator = Affine(), Plane()
    objective = Pix2PixObjective(
        generator,
        discriminator,
        l1_weight=10.0,
        dice_weight=3.0,
        adversarial_weight=0.5,
        gan=gan,
        forward_arguments={"gain": 1.5},
    )
    x, t = batch.input.numpy(), batch.target.numpy()
    g, d = generator.weights.detach().numpy().copy(), discriminator.weights.detach().numpy().copy()
    y = generate(g, x, 1.5)
    turns = objective.play(batch)

    turn = next(turns)
    assert turn.player == "discriminator"
    assert turn.losses["real"].item() == pytest.approx(gan_loss(judge(d, x, t), True, gan) / 2, rel=1e-12)
    assert turn.losses["fake"].item() == pytest.approx(gan_loss(judge(d, x, y), False, gan) / 2, rel=1e-12)
    torch.stack(list(turn.losses.values())).sum().backward()
    expected = gradient(lambda w: (gan_loss(judge(w, x, t), True, gan) + gan_loss(judge(w, x, y), False, gan)) / 2, d)
    np.testing.assert_allclose(discriminator.weights.grad, expected, rtol=1e-6, atol=1e-9)
    assert generator.weights.grad is None
    with torch.no_grad():
        discriminator.weights -= 0.3 * discriminator.weights.grad
    discriminator.weights.grad = None

    def generator_loss(w: Numbers) -> float:
        y, moved = generate(w, x, 1.5), discriminator.weights.detach().numpy()
        adversarial = gan_loss(judge(moved, x, y), True, gan)
        return float(0.5 * adversarial + 10 * np.abs(y - t).mean() + 3 * dice_loss(y, t))

    turn = next(turns)
    assert (turn.player, list(turn.losses)) == ("generator", ["adversarial", "l1", "dice"])
    total = torch.stack(list(turn.losses.values())).sum()
    assert total.item() == pytest.approx(generator_loss(g), rel=1e-12)
    total.backward()
    np.testing.assert_allclose(generator.weights.grad, gradient(generator_loss, g), rtol=1e-6, atol=1e-9)
    assert discriminator.weights.grad is None
    assert discriminator.weights.requires_grad
    assert next(turns, None) is None


def test_players_move_what_they_were_given_and_modules_are_the_callers() -> None:
    generator, discriminator = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)), Plane()
    generator[0].bias.requires_grad_(False)  # type: ignore[union-attr]
    objective = Pix2PixObjective(generator, discriminator)
    assert [id(p) for p in objective.players()["generator"]] == [
        id(p) for p in (generator[0].weight, generator[1].weight, generator[1].bias)
    ]
    some = Pix2PixObjective(generator, discriminator, generator_parameters=iter(generator[1].parameters()))
    assert [id(p) for p in some.players()["generator"]] == [id(p) for p in generator[1].parameters()]
    assert list(some.players()) == ["discriminator", "generator"]
    assert some.modules() == {"generator": generator, "discriminator": discriminator}


def test_prepared_networks_are_called_in_place_of_the_callers(batch: Any) -> None:
    calls: list[str] = []

    class Prepared(nn.Module):
        def __init__(self, name: str, module: nn.Module) -> None:
            super().__init__()
            self.name, self.module = name, module

        def forward(self, *arguments: Any) -> Any:
            calls.append(self.name)
            return self.module(*arguments)

    objective = Pix2PixObjective(Affine(), Plane())
    objective.use({role: Prepared(role, module) for role, module in objective.modules().items()})
    list(objective.play(batch))
    # Once for both turns; on real and generated; and the generator's own turn asks the caller's discriminator.
    assert calls == ["generator", "discriminator", "discriminator"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pix2PixObjective(Affine(), Plane(), l1_weight=float("nan")), "l1_weight is nan"),
        (lambda: Pix2PixObjective(Affine(), Plane(), adversarial_weight=0.0), "adversarial_weight is 0"),
        (lambda: Pix2PixObjective(Affine(), Plane(), gan="wasserstein"), "wasserstein"),  # type: ignore[arg-type]
        (lambda: Pix2PixObjective(Affine(), Plane().requires_grad_(False)), "the discriminator has no parameter"),
    ],
)
def test_what_cannot_be_learned_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
