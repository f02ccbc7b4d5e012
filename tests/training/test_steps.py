"""Steps are Adam's, and what is not finite is left out or refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError, TrainingDivergedError
from piggygan.training import Pix2PixObjective, SupervisedObjective, train
from piggygan.training.processes import Processes
from piggygan.training.state import TrainingState
from piggygan.training.steps import Steps, StepsAccount
from piggygan.training.watch import WatchState
from tests.training.running import digest, nan_at, quick

MakeObjective = Callable[..., Pix2PixObjective]
MakeLoader = Callable[[], DataLoader[Any]]


def test_the_steps_are_those_of_adam_written_by_hand(make_pair: Any) -> None:
    generator = nn.Conv2d(1, 1, 1).double()
    weight, bias = generator.weight.item(), generator.bias.item()  # type: ignore[union-attr]
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (3, 1, 1, 4, 4))
    batches = [make_pair(torch.from_numpy(x), torch.from_numpy(-x), ["x"]) for x in images]
    train(
        SupervisedObjective(generator, l1_weight=5.0),
        batches,
        quick(epochs=4, learning_rate=0.01, betas=(0.5, 0.9), weight_decay=0.1, decay_from=0.5),
    )

    at, first, second = np.array([weight, bias]), np.zeros(2), np.zeros(2)
    rates = [0.01, 0.01, 0.01 * 2 / 3, 0.01 / 3]
    for step in range(1, 13):
        x = images[(step - 1) % 3]
        sign = np.sign(at[0] * x + at[1] + x)
        slope = 5.0 * np.array([(sign * x).mean(), sign.mean()]) + 0.1 * at
        first = 0.5 * first + 0.5 * slope
        second = 0.9 * second + 0.1 * slope**2
        at -= rates[(step - 1) // 3] * (first / (1 - 0.5**step)) / (np.sqrt(second / (1 - 0.9**step)) + 1e-8)
    assert [generator.weight.item(), generator.bias.item()] == pytest.approx(at, rel=1e-9)  # type: ignore[union-attr]


def test_each_player_takes_one_step_a_batch_with_its_own_gradients(make_objective: MakeObjective, pairs: Any) -> None:
    loader = DataLoader(pairs, batch_size=1)
    objective, by_hand = make_objective(), make_objective()
    train(objective, loader, quick(epochs=1, seed=5))

    generator, discriminator = by_hand.modules().values()
    optimizers = [torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999)) for m in (discriminator, generator)]
    batches = list(loader)  # what a loader draws does not reach the networks
    torch.manual_seed(5)
    softplus = nn.functional.softplus
    for batch in batches:
        output = generator(batch.input)
        real = discriminator(torch.cat([batch.input, batch.target], dim=1))
        fake = discriminator(torch.cat([batch.input, output.detach()], dim=1))
        (softplus(-real).mean() / 2 + softplus(fake).mean() / 2).backward()
        optimizers[0].step()
        likeness = 100 * (output - batch.target).abs().mean()
        (softplus(-discriminator(torch.cat([batch.input, output], dim=1))).mean() + likeness).backward()
        optimizers[1].step()
        generator.zero_grad()
        discriminator.zero_grad()
    for role, module in by_hand.modules().items():
        trained = objective.modules()[role].state_dict()
        for name, tensor in module.state_dict().items():
            if not name.endswith("bias"):  # before a norm its gradient is rounding, which Adam blows up to full steps
                torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=2e-6)


def test_the_mean_loss_is_that_of_the_epochs_steps(make_pair: Any) -> None:
    generator = nn.Conv2d(1, 1, 1)
    nn.init.zeros_(generator.weight)
    nn.init.zeros_(generator.bias)  # type: ignore[arg-type]
    batches = [make_pair(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), value), ["x"]) for value in (0.25, -1.0)]
    history = train(SupervisedObjective(generator, l1_weight=4.0), batches, quick(epochs=1, learning_rate=1e-20))
    assert history.epochs[0].losses == pytest.approx({"generator.l1": (4 * 0.25 + 4 * 1.0) / 2})


def test_bad_steps_within_the_tolerance_are_left_out_and_counted(make_pair: Any) -> None:
    def run(*bad: int, tolerated: int) -> tuple[nn.Conv2d, Any]:
        generator = nn.Conv2d(1, 1, 1)
        nn.init.ones_(generator.weight)
        nn.init.zeros_(generator.bias)  # type: ignore[arg-type]
        options = quick(epochs=2, tolerated_bad_steps=tolerated, learning_rate=0.01)
        return generator, train(SupervisedObjective(generator), nan_at(make_pair, *bad, steps=4), options)

    generator, history = run(2, 3, 5, tolerated=2)
    assert [record.skipped_steps for record in history.epochs] == [2, 1]
    assert history.skipped_steps == 3
    assert all(np.isfinite(record.losses["generator.l1"]) for record in history.epochs)
    assert all(p.isfinite().all() for p in generator.parameters())
    with pytest.raises(TrainingDivergedError, match=r"step 3, after 1 bad steps in a row"):
        run(2, 3, tolerated=1)
    with pytest.raises(TrainingDivergedError, match="no step of generator was finite"):
        run(1, 2, 3, 4, tolerated=9)


def test_a_running_statistic_that_took_up_a_nan_cannot_be_left_out(
    make_objective: MakeObjective, make_pair: Any
) -> None:
    objective = make_objective("batch")
    start = digest(objective)
    with pytest.raises(TrainingDivergedError, match=r"at step 2, and .*running_mean is no longer finite"):
        train(objective, nan_at(make_pair, 2, steps=4), quick(tolerated_bad_steps=5))
    assert digest(objective) == start


def test_a_gradient_that_is_not_finite_is_found_though_the_loss_is(make_pair: Any) -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, images: Tensor) -> Tensor:
            return images + torch.sqrt(self.weight)  # finite at 0, its slope is not

    with pytest.raises(TrainingDivergedError, match="norm of the gradients of 'generator' is inf"):
        train(SupervisedObjective(Root()), nan_at(make_pair, steps=1), quick())


def test_losses_that_do_not_reach_the_parameters_are_refused(make_pair: Any) -> None:
    generator = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Identity())
    generator.unused = nn.Conv2d(1, 1, 1)
    generator.forward = lambda images: generator[0](images)  # type: ignore[method-assign]
    objective = SupervisedObjective(generator, generator_parameters=generator.unused.parameters())
    with pytest.raises(ConfigurationError, match="do not depend on its parameters"):
        train(objective, nan_at(make_pair, steps=1), quick())


def test_bfloat16_trains_networks_that_stay_in_single_precision(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    dtypes: set[torch.dtype] = set()
    objective = make_objective()
    generator = objective.modules()["generator"]
    generator.register_forward_hook(lambda _, __, output: dtypes.add(output.dtype))
    train(objective, make_loader(), quick(mixed_precision="bf16"))
    assert dtypes == {torch.bfloat16}
    assert {p.dtype for p in generator.parameters()} == {torch.float32}
    dtypes.clear()
    train(objective, make_loader(), quick())  # and back again in the same process
    assert dtypes == {torch.float32}


def account(**changes: Any) -> StepsAccount:
    good: dict[str, Any] = {
        "batches": 3,
        "skipped": 1,
        "sums": {"generator.l1": 2.0},
        "counts": {"generator.l1": 2},
        "still": (),
        "bad_in_a_row": 1,
        "watched": WatchState(),
    }
    return StepsAccount(**{**good, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batches": -1}, "below 0"),
        ({"skipped": -1}, "below 0"),
        ({"bad_in_a_row": -1}, "below 0"),
        ({"watched": WatchState(steps={"generator": -1})}, "below 0"),
        ({"counts": {"generator.l1": 0}}, "not of the same losses"),
        ({"counts": {}}, "not of the same losses"),
    ],
)
def test_an_account_that_nobody_can_have_kept_is_refused(changes: dict[str, Any], message: str) -> None:
    account()
    with pytest.raises(ValueError, match=message):
        account(**changes)


def test_an_account_that_is_gone_on_from_is_the_account_again() -> None:
    objective = SupervisedObjective(nn.Conv2d(1, 1, 1))
    options = quick()
    steps = Steps(objective, TrainingState(objective, options), Processes(0), options)
    given = account(still=("discriminator",))
    steps.go_on_from(given)
    assert steps.account() == given
    assert steps.mean_losses() == {"generator.l1": 1.0}
    with pytest.raises(TrainingDivergedError, match="no step of discriminator was finite"):
        steps.refuse_players_that_stood_still()
    steps.start_epoch()
    assert (steps.account().batches, steps.account().sums, steps.account().bad_in_a_row) == (0, {}, 1)
    steps.reach.stop()
