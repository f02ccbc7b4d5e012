"""One step of each objective against gradients by finite differences of a loss written in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, InputError
from piggygan.training import Pix2PixObjective, SupervisedObjective

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Affine(nn.Module):
    """A generator that a reader can check: ``tanh(scale * x + shift)``."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.7, -0.2], dtype=torch.float64))

    def forward(self, images: Tensor, gain: float = 1.0) -> Tensor:
        return torch.tanh(gain * (self.weights[0] * images + self.weights[1]))


class Plane(nn.Module):
    """A discriminator of one score a pixel: ``a * input + b * output + c``, with a bend so that gradients vary."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.5, -0.9, 0.1], dtype=torch.float64))

    def forward(self, pair: Tensor) -> Tensor:
        a, b, c = self.weights
        return a * pair[:, :1] + b * pair[:, 1:].square() + c


def generate(weights: Numbers, x: Numbers, gain: float = 1.0) -> Numbers:
    return np.tanh(gain * (weights[0] * x + weights[1]))


def judge(weights: Numbers, x: Numbers, y: Numbers) -> Numbers:
    return weights[0] * x + weights[1] * y**2 + weights[2]


def gan_loss(scores: Numbers, is_real: bool, gan: str) -> float:
    if gan == "least_squares":
        return float(((scores - is_real) ** 2).mean())
    probability = 1 / (1 + np.exp(-scores))
    return float(-np.log(probability if is_real else 1 - probability).mean())


def dice_loss(y: Numbers, t: Numbers) -> float:
    p, g = (y + 1) / 2, (t + 1) / 2
    return float(np.mean([1 - (2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1) for a, b in zip(p, g, strict=True)]))


def gradient(loss: Callable[[Numbers], float], at: Numbers) -> Numbers:
    steps = np.eye(len(at)) * 1e-6
    return np.array([(loss(at + step) - loss(at - step)) / 2e-6 for step in steps])


@pytest.fixture
def batch(make_pair: Any) -> Any:
    random = torch.Generator().manual_seed(3)
    images = torch.rand(2, 1, 3, 4, generator=random, dtype=torch.float64) * 2 - 1
    masks = torch.randint(0, 2, (2, 1, 3, 4), generator=random).double() * 2 - 1
    return make_pair(images, masks, ["a", "b"])


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
        (lambda: SupervisedObjective(Affine(), l1_weight=0.0), "both 0"),
        (lambda: SupervisedObjective(Affine(), dice_weight=-1.0), "dice_weight is -1"),
        (lambda: Pix2PixObjective(Affine(), Plane(), l1_weight=float("nan")), "l1_weight is nan"),
        (lambda: Pix2PixObjective(Affine(), Plane(), adversarial_weight=0.0), "adversarial_weight is 0"),
        (lambda: Pix2PixObjective(Affine(), Plane(), gan="wasserstein"), "wasserstein"),  # type: ignore[arg-type]
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
