"""One step of CycleGAN against a float64 computation in NumPy, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, InputError
from piggygan.layers.ways.shared_calls import current_step
from piggygan.training import CycleGANObjective

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Affine(nn.Module):
    """A generator that a reader can check: ``tanh(scale * x + shift)``."""

    def __init__(self, scale: float = 0.7, shift: float = -0.2) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([scale, shift], dtype=torch.float64))

    def forward(self, images: Tensor, gain: float = 1.0) -> Tensor:
        return torch.tanh(gain * (self.weights[0] * images + self.weights[1]))


class Curve(nn.Module):
    """A discriminator of one score a pixel: ``a * x^2 + b``."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([a, b], dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        return self.weights[0] * images.square() + self.weights[1]


GENERATORS = np.array([0.7, -0.2, 1.1, 0.3])
DISCRIMINATORS = np.array([0.9, 0.1, -0.4, 0.6])


def generators_losses(w: Numbers, d: Numbers, a: Numbers, b: Numbers, gain: float) -> dict[str, float]:
    """Zhu et al. 2017, equations 1 to 3 with least squares (section 4), and the identity loss of section 5.2."""

    def g(x: Numbers) -> Numbers:
        return np.tanh(gain * (w[0] * x + w[1]))

    def f(y: Numbers) -> Numbers:
        return np.tanh(gain * (w[2] * y + w[3]))

    lambda_a, lambda_b, identity = 10.0, 8.0, 0.5
    return {
        "forward_adversarial": ((d[0] * g(a) ** 2 + d[1] - 1) ** 2).mean(),
        "backward_adversarial": ((d[2] * f(b) ** 2 + d[3] - 1) ** 2).mean(),
        "forward_cycle": lambda_a * np.abs(f(g(a)) - a).mean(),
        "backward_cycle": lambda_b * np.abs(g(f(b)) - b).mean(),
        "forward_identity": lambda_b * identity * np.abs(g(b) - b).mean(),
        "backward_identity": lambda_a * identity * np.abs(f(a) - a).mean(),
    }


def discriminators_losses(d: Numbers, w: Numbers, a: Numbers, b: Numbers, gain: float) -> dict[str, float]:
    fake_b, fake_a = np.tanh(gain * (w[0] * a + w[1])), np.tanh(gain * (w[2] * b + w[3]))
    return {
        "forward_real": ((d[0] * b**2 + d[1] - 1) ** 2).mean() / 2,
        "forward_fake": ((d[0] * fake_b**2 + d[1]) ** 2).mean() / 2,
        "backward_real": ((d[2] * a**2 + d[3] - 1) ** 2).mean() / 2,
        "backward_fake": ((d[2] * fake_a**2 + d[3]) ** 2).mean() / 2,
    }


def gradient(loss: Callable[[Numbers], float], at: Numbers) -> Numbers:
    steps = np.eye(len(at)) * 1e-6
    return np.array([(loss(at + step) - loss(at - step)) / 2e-6 for step in steps])


def make(**arguments: Any) -> CycleGANObjective:
    arguments = {"backward_cycle_weight": 8.0, "forward_arguments": {"gain": 0.8}, **arguments}
    generators = Affine(*GENERATORS[:2].tolist()), Affine(*GENERATORS[2:].tolist())
    return CycleGANObjective(
        *generators, Curve(*DISCRIMINATORS[:2].tolist()), Curve(*DISCRIMINATORS[2:].tolist()), **arguments
    )


@pytest.fixture
def batch(make_pair: Any) -> Any:
    images = torch.rand(2, 2, 1, 3, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 2 - 1
    return make_pair(images[0], images[1], ["a", "b"])


def weights_of(objective: CycleGANObjective, *roles: str) -> list[nn.Parameter]:
    return [parameter for role in roles for parameter in objective.modules()[role].parameters()]


def test_both_turns_are_those_of_the_formulas(batch: Any) -> None:
    objective = make()
    a, b = batch.input.numpy(), batch.target.numpy()
    turns = objective.play(batch)

    turn = next(turns)
    expected = generators_losses(GENERATORS, DISCRIMINATORS, a, b, 0.8)
    assert turn.player == "generators"
    assert {name: loss.item() for name, loss in turn.losses.items()} == pytest.approx(expected, rel=1e-12)
    sum(turn.losses.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
    found = torch.cat([p.grad for p in weights_of(objective, "forward", "backward") if p.grad is not None])
    wanted = gradient(lambda w: sum(generators_losses(w, DISCRIMINATORS, a, b, 0.8).values()), GENERATORS)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    discriminators = weights_of(objective, "forward_discriminator", "backward_discriminator")
    assert all(p.grad is None and p.requires_grad for p in discriminators)

    # The step between the turns: the discriminators still see what the generators made before it.
    with torch.no_grad():
        for parameter in weights_of(objective, "forward", "backward"):
            parameter.zero_()
            parameter.grad = None
    turn = next(turns)
    expected = discriminators_losses(DISCRIMINATORS, GENERATORS, a, b, 0.8)
    assert turn.player == "discriminators"
    assert {name: loss.item() for name, loss in turn.losses.items()} == pytest.approx(expected, rel=1e-12)
    sum(turn.losses.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
    found = torch.cat([p.grad for p in discriminators if p.grad is not None])
    wanted = gradient(lambda d: sum(discriminators_losses(d, GENERATORS, a, b, 0.8).values()), DISCRIMINATORS)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert all(p.grad is None for p in weights_of(objective, "forward", "backward"))
    assert next(turns, None) is None


def test_losses_of_weight_0_are_not_computed(batch: Any) -> None:
    losses = next(make(identity_weight=0.0, backward_cycle_weight=0.0).play(batch)).losses
    assert list(losses) == ["forward_adversarial", "forward_cycle", "backward_adversarial"]


def test_discriminators_see_noise_in_both_turns_and_generators_none(batch: Any) -> None:
    torch.manual_seed(11)
    turns = make(instance_noise=0.3, identity_weight=0.0).play(batch)
    generators, discriminators = next(turns), next(turns)
    torch.manual_seed(11)
    noise = {
        name: 0.3 * torch.randn(2, 1, 3, 4, dtype=torch.float64).numpy()
        for name in ("forward_adversarial", "backward_adversarial", "forward_real", "forward_fake", "backward_real")
    }
    a, b = batch.input.numpy(), batch.target.numpy()
    w, d = GENERATORS, DISCRIMINATORS
    g, f = np.tanh(0.8 * (w[0] * a + w[1])), np.tanh(0.8 * (w[2] * b + w[3]))

    def judged(first: int, image: Numbers, name: str) -> Numbers:
        return np.asarray(d[first] * (image + noise[name]) ** 2 + d[first + 1])

    expected = {
        "forward_adversarial": ((judged(0, g, "forward_adversarial") - 1) ** 2).mean(),
        "forward_cycle": 10 * np.abs(np.tanh(0.8 * (w[2] * g + w[3])) - a).mean(),
        "backward_adversarial": ((judged(2, f, "backward_adversarial") - 1) ** 2).mean(),
        "backward_cycle": 8 * np.abs(np.tanh(0.8 * (w[0] * f + w[1])) - b).mean(),
    }
    assert {name: loss.item() for name, loss in generators.losses.items()} == pytest.approx(expected, rel=1e-12)
    found = {name: loss.item() for name, loss in discriminators.losses.items()}
    assert found["forward_real"] == pytest.approx(((judged(0, b, "forward_real") - 1) ** 2).mean() / 2, rel=1e-12)
    assert found["forward_fake"] == pytest.approx((judged(0, g, "forward_fake") ** 2).mean() / 2, rel=1e-12)
    assert found["backward_real"] == pytest.approx(((judged(2, a, "backward_real") - 1) ** 2).mean() / 2, rel=1e-12)


def test_without_noise_nothing_random_is_drawn(batch: Any) -> None:
    before = torch.get_rng_state()
    list(make(pool_size=0).play(batch))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("weights", "calls"),
    [({}, 3), ({"identity_weight": 0.0}, 2), ({"forward_cycle_weight": 0.0, "backward_cycle_weight": 0.0}, 1)],
)
def test_the_generators_are_told_how_often_a_step_calls_them(batch: Any, weights: Any, calls: int) -> None:
    objective = make(**weights)
    told: list[int] = []
    forward = objective.modules()["forward"]
    forward.register_forward_pre_hook(lambda *_: told.append(current_step().calls))
    next(objective.play(batch))
    assert told == [calls] * calls
    assert current_step().calls == 1  # while the losses wait to be minimized, others may compute


@pytest.mark.parametrize("pool_size", [0, 1])
def test_the_discriminators_are_shown_what_the_pool_gives(batch: Any, pool_size: int) -> None:
    torch.manual_seed(0)
    objective = make(pool_size=pool_size)
    first = list(objective.play(batch._replace(input=batch.input[:1], target=batch.target[:1])))[1].losses
    with torch.no_grad():
        for parameter in weights_of(objective, "forward", "backward"):
            parameter.mul_(0.5)
    later = [list(objective.play(batch._replace(input=batch.input[:1], target=batch.target[:1])))[1] for _ in range(9)]
    remembered = [turn.losses["forward_fake"].item() == first["forward_fake"].item() for turn in later]
    assert sum(remembered) == pool_size  # once it was swapped it is gone


def test_the_pools_are_the_objectives_state(batch: Any) -> None:
    objective, other = make(), make()
    list(objective.play(batch))
    state = objective.state()
    assert list(state) == ["forward.0", "forward.1", "backward.0", "backward.1"]
    other.load_state(state)
    assert all(torch.equal(image, state[name]) for name, image in other.state().items())
    assert objective.settings()["pool_size"] == 50


def test_the_identity_loss_is_refused_where_the_sides_have_other_channels(batch: Any) -> None:
    coloured = batch._replace(input=batch.input.repeat(1, 3, 1, 1))
    with pytest.raises(ConfigurationError, match=r"inputs have 3 channels and targets 1.*identity_weight=0"):
        next(make().play(coloured))


def test_a_generator_of_other_channels_than_its_side_is_refused(batch: Any) -> None:
    coloured = batch._replace(input=batch.input.repeat(1, 3, 1, 1))
    with pytest.raises(InputError, match="forward makes images of 3 channels, those of that side have 1"):
        next(make(identity_weight=0.0).play(coloured))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"identity_weight": -0.5}, "identity_weight is -0.5"),
        ({"forward_cycle_weight": float("inf")}, "forward_cycle_weight is inf"),
        ({"instance_noise": -0.1}, "instance_noise is -0.1"),
        ({"pool_size": -1}, "pool_size is -1"),
        ({"generator_parameters": Affine().parameters()}, "another copy"),
        ({"generator_parameters": []}, "no parameter that may move"),
    ],
)
def test_what_cannot_be_learned_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(**arguments)
