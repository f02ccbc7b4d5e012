"""What changes while training is in one place, can be taken out, checked, and put back."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan.training import Objective, Pix2PixObjective, SupervisedObjective
from piggygan.training.state import TrainingState, only_players_learn
from tests.training.running import quick


class Masked(nn.Conv2d):
    """Has a constant with infinities, as attention has."""

    def __init__(self) -> None:
        super().__init__(1, 1, 1)
        self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))


def stepped(objective: Objective) -> TrainingState:
    """Take one step of each player with gradients of ones."""
    state = TrainingState(objective, quick(epochs=4, learning_rate=0.1))
    for player, parameters in state.players.items():
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        state.optimizers[player].step()
    return state


@pytest.fixture
def state() -> TrainingState:
    return stepped(SupervisedObjective(nn.Conv2d(1, 2, 3)))


def test_an_optimizers_state_goes_out_and_in_again(state: TrainingState) -> None:
    tensors = {name: tensor.clone() for name, tensor in state.optimizer_tensors().items()}
    assert sorted(tensors) == [f"generator.{n}.{name}" for n in (0, 1) for name in ("exp_avg", "exp_avg_sq", "step")]
    other = TrainingState(SupervisedObjective(nn.Conv2d(1, 2, 3)), quick())
    other.load_optimizers(other.checked_optimizers(tensors))
    assert {name: tensor.tolist() for name, tensor in other.optimizer_tensors().items()} == {
        name: tensor.tolist() for name, tensor in tensors.items()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"painter.0.step": torch.ones(())}, "painter.0.step belongs to no parameter"),
        ({"generator.2.step": torch.ones(())}, "belongs to no parameter"),
        ({"generator.0.step": torch.zeros(())}, "does not fit"),
        ({"generator.0.step": torch.ones(1)}, "does not fit"),
        ({"generator.0.exp_avg": torch.zeros(2)}, "does not fit"),
        ({"generator.1.exp_avg": torch.zeros(2, dtype=torch.float64)}, "does not fit"),
        ({"generator.1.exp_avg_sq": -torch.ones(2)}, "does not fit"),
        ({"generator.1.other": torch.zeros(2)}, "does not fit"),
        ({"generator.1.step": None}, "a part of an optimizer's state is missing"),
    ],
)
def test_a_state_that_is_no_optimizers_is_refused(
    state: TrainingState, change: dict[str, Tensor | None], message: str
) -> None:
    tensors = {name: tensor for name, tensor in (state.optimizer_tensors() | change).items() if tensor is not None}
    with pytest.raises(ValueError, match=message):
        state.checked_optimizers(tensors)


def test_rates_are_a_function_of_the_epoch_alone(state: TrainingState) -> None:
    rates = []
    for _ in range(4):
        rates.append(state.learning_rate)
        state.finish_epoch()
    assert rates == pytest.approx([0.1, 0.1, 0.1 * 2 / 3, 0.1 / 3])
    state.move_to_epoch(2)
    assert state.learning_rate == state.optimizers["generator"].param_groups[0]["lr"] == pytest.approx(rates[2])


def test_networks_are_put_back_to_the_last_finished_epoch() -> None:
    network = nn.Conv2d(1, 1, 1)
    start = network.weight.item()
    state = TrainingState(SupervisedObjective(network), quick())
    for value in (1.0, 2.0):
        nn.init.constant_(network.weight, value)
        if value == 2.0:
            state.put_back()
            assert network.weight.item() == 1.0
        else:
            state.put_back()
            assert network.weight.item() == start
            nn.init.constant_(network.weight, value)
            state.finish_epoch()


def test_infinities_that_were_there_from_the_start_are_no_divergence() -> None:
    network = Masked()
    state = TrainingState(SupervisedObjective(network), quick())
    assert state.not_finite() == []
    network.mask[0] = torch.nan  # type: ignore[operator,index]
    assert state.not_finite() == ["generator.mask"]
    network.mask[0] = 0.0  # type: ignore[operator,index]
    nn.init.constant_(network.weight, torch.inf)
    assert state.not_finite() == ["generator.weight"]


def test_only_what_players_move_has_gradients_and_afterwards_all_is_as_it_was(
    make_objective: Callable[..., Pix2PixObjective],
) -> None:
    generator, discriminator = make_objective().modules().values()
    frozen, idle, *moved = generator.parameters()
    frozen.requires_grad_(False)
    objective: Any = Pix2PixObjective(generator, discriminator, generator_parameters=moved)
    with only_players_learn(objective):
        assert not idle.requires_grad
        assert all(parameter.requires_grad for parameter in (*moved, *discriminator.parameters()))
        moved[0].grad = torch.zeros_like(moved[0])
    assert idle.requires_grad
    assert not frozen.requires_grad
    assert moved[0].grad is None
