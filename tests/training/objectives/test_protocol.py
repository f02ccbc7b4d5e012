"""What the loop may rely on, whatever the objective."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.training import CycleGANObjective, HasSettings, HasState, Objective, Pix2PixObjective, SupervisedObjective


def network(c_in: int) -> nn.Module:
    return nn.Conv2d(c_in, 1, 1)


OBJECTIVES: dict[str, Callable[[], Objective]] = {
    "supervised": lambda: SupervisedObjective(network(1)),
    "pix2pix": lambda: Pix2PixObjective(network(1), network(2)),
    "cyclegan": lambda: CycleGANObjective(network(1), network(1), network(1), network(1)),
}


@pytest.fixture(params=OBJECTIVES)
def objective(request: Any) -> Objective:
    torch.manual_seed(0)
    return OBJECTIVES[request.param]()


@pytest.fixture
def images(make_pair: Any) -> Any:
    return make_pair(torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4), ["a", "b"])


def test_every_player_moves_parameters_of_the_modules_and_no_two_the_same(objective: Objective) -> None:
    own = {id(parameter) for module in objective.modules().values() for parameter in module.parameters()}
    moved = [id(parameter) for parameters in objective.players().values() for parameter in parameters]
    assert set(moved) == own
    assert len(moved) == len(own)


def test_each_player_has_one_turn_whose_losses_reach_all_it_moves_and_nothing_else(
    objective: Objective, images: Any
) -> None:
    players = objective.players()
    seen = []
    for turn in objective.play(images):
        seen.append(turn.player)
        torch.stack(list(turn.losses.values())).sum().backward()
        for player, parameters in players.items():
            assert all((parameter.grad is not None) == (player == turn.player) for parameter in parameters)
            for parameter in parameters:
                parameter.grad = None
        assert turn.output is None or not turn.output.requires_grad
    assert sorted(seen) == sorted(players)


def test_the_prepared_networks_are_called_and_the_callers_stay_the_modules(objective: Objective, images: Any) -> None:
    before, called = objective.modules(), set()

    class Prepared(nn.Module):
        def __init__(self, role: str, module: nn.Module) -> None:
            super().__init__()
            self.role, self.module = role, module

        def forward(self, *arguments: Any) -> Any:
            called.add(self.role)
            return self.module(*arguments)

    objective.use({role: Prepared(role, module) for role, module in before.items()})
    assert objective.modules() == before
    list(objective.play(images))
    assert called == set(before)


def test_every_objective_says_how_it_was_set_and_cyclegan_keeps_its_pools(objective: Objective) -> None:
    assert isinstance(objective, HasSettings)
    assert objective.settings()["forward_arguments"] == {}
    assert isinstance(objective, HasState) == isinstance(objective, CycleGANObjective)
