"""Networks come out of a checkpoint as it kept them, into networks of the same form."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import ResumeError
from piggygan.training import Checkpoints, SupervisedObjective, load_best, start_from, train
from tests.training.running import digest, quick


def test_the_best_epoch_is_kept_and_can_be_loaded(program: Any, tmp_path: Path) -> None:
    scores = iter([0.1, 0.9, float("nan"), 0.5])
    seen: list[dict[str, bytes]] = []
    objective = program.make_objective()

    def score(_: Any) -> float:
        seen.append({n: t.numpy().tobytes() for n, t in objective.modules()["generator"].state_dict().items()})
        return next(scores)

    checkpoints = Checkpoints(tmp_path)
    program.run(objective, program.make_data("list"), checkpoints, on_epoch=score)
    assert load_best(checkpoints, objective) == 0.9
    now = {n: t.numpy().tobytes() for n, t in objective.modules()["generator"].state_dict().items()}
    assert now == seen[1]
    assert len(list(tmp_path.glob("best-*"))) == 1
    with pytest.raises(ResumeError, match="no best checkpoint"):
        load_best(Checkpoints(tmp_path / "none"), objective)


def network(c_in: int = 1, width: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, width, 3, padding=1), nn.BatchNorm2d(width), nn.Conv2d(width, 1, 1))


@pytest.fixture
def learned(make_pair: Any, tmp_path: Path) -> tuple[Checkpoints, nn.Sequential]:
    torch.manual_seed(0)
    checkpoints, generator = Checkpoints(tmp_path / "kept"), network()
    batch = make_pair(torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8), ["a", "b"])
    train(SupervisedObjective(generator), [batch], quick(epochs=1), checkpoints=checkpoints)
    return checkpoints, generator


def test_a_network_starts_as_the_one_of_its_role_statistics_included(learned: tuple[Checkpoints, nn.Module]) -> None:
    checkpoints, generator = learned
    fresh = network()
    start_from(checkpoints, "generator", fresh)
    assert digest(SupervisedObjective(fresh)) == digest(SupervisedObjective(generator))


def test_only_the_first_kernel_may_have_other_input_channels_and_stays(learned: tuple[Checkpoints, nn.Module]) -> None:
    checkpoints, generator = learned
    wider = network(c_in=3)
    kernel = wider[0].weight.detach().clone()
    start_from(checkpoints, "generator", wider)
    assert torch.equal(wider[0].weight, kernel)
    assert torch.equal(wider[2].weight, generator[2].weight)  # type: ignore[index,union-attr]  # a Sequential


@pytest.mark.parametrize("other", [network(width=4), nn.Conv2d(1, 1, 1), nn.Linear(2, 2)])
def test_another_network_is_refused_and_stays_as_it_was(
    learned: tuple[Checkpoints, nn.Module], other: nn.Module
) -> None:
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ResumeError, match="of other networks"):
        start_from(learned[0], "generator", other)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_what_is_not_there_is_named(learned: tuple[Checkpoints, nn.Module], tmp_path: Path) -> None:
    checkpoints, generator = learned
    with pytest.raises(ResumeError, match="there is no 'painter' in the checkpoints in"):
        start_from(checkpoints, "painter", network())
    with pytest.raises(ResumeError, match="there is no 'generator'"):
        start_from(Checkpoints(tmp_path / "empty"), "generator", network())
    with pytest.raises(ResumeError, match=r"there is no best checkpoint in .*: return a score from on_epoch"):
        load_best(checkpoints, SupervisedObjective(generator))
