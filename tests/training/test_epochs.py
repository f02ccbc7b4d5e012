"""An epoch that came to nothing leaves the networks as they were before it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from piggygan.errors import DatasetError, TrainingDivergedError
from piggygan.training import EpochRecord, Pix2PixObjective, SupervisedObjective, train
from tests.training.running import digest, nan_at, quick

MakeObjective = Callable[..., Pix2PixObjective]
MakeLoader = Callable[[], DataLoader[Any]]


def test_divergence_names_loss_epoch_and_step_and_puts_the_last_good_epoch_back(
    make_objective: MakeObjective, make_pair: Any
) -> None:
    objective = make_objective("batch")
    after_epoch: list[str] = []
    with pytest.raises(TrainingDivergedError, match=r"epoch 3: discriminator.real is nan at step 2\..*after epoch 2"):
        train(
            objective,
            nan_at(make_pair, 8, steps=3),
            quick(epochs=4),
            on_epoch=lambda _: after_epoch.append(digest(objective)),
        )
    assert len(set(after_epoch)) == 2
    assert digest(objective) == after_epoch[-1]
    assert not any(module.training for module in objective.modules().values())


def test_divergence_in_the_first_epoch_puts_the_start_back(make_objective: MakeObjective, make_pair: Any) -> None:
    objective = make_objective()
    start = digest(objective)
    with pytest.raises(TrainingDivergedError, match=r"epoch 1: .* at the start"):
        train(objective, nan_at(make_pair, 2, steps=3), quick())
    assert digest(objective) == start


def test_a_last_step_that_leaps_to_infinity_is_found(make_pair: Any) -> None:
    generator = nn.Conv2d(1, 1, 1)
    start = generator.weight.detach().clone()
    with pytest.raises(TrainingDivergedError, match=r"generator\.weight is not finite"):
        train(SupervisedObjective(generator), nan_at(make_pair, steps=1), quick(epochs=1, learning_rate=1e39))
    assert torch.equal(generator.weight, start)


def test_no_batches_are_refused(make_objective: MakeObjective, make_pair: Any, pairs: Any) -> None:
    objective = make_objective()
    start = digest(objective)
    with pytest.raises(DatasetError, match="no batches to learn from"):
        train(objective, [], quick())
    with pytest.raises(DatasetError, match="no batches to learn from"):
        train(objective, DataLoader(pairs, batch_size=4, drop_last=True), quick())
    assert digest(objective) == start
    with pytest.raises(DatasetError, match="no batch in epoch 2"):
        train(objective, iter(nan_at(make_pair, steps=2)), quick())


def test_an_epoch_that_is_refused_ends_in_the_bytes_it_began_with_and_no_record(
    make_objective: MakeObjective, make_pair: Any
) -> None:
    objective = make_objective("batch")
    told: list[EpochRecord] = []
    start = digest(objective)
    with pytest.raises(TrainingDivergedError, match="epoch 1"):
        train(objective, nan_at(make_pair, 3, steps=3), quick(), on_epoch=told.append)
    assert told == []
    assert digest(objective) == start
