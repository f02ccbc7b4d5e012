"""A training borrows its networks: they come back as the caller's own, in evaluation mode and without gradients."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError, FrozenTensorError
from piggygan.training import EpochRecord, Pix2PixObjective, train
from piggygan.training.epochs import learn_epoch
from piggygan.training.session import session_of
from tests.training.running import digest, quick

MakeObjective = Callable[..., Pix2PixObjective]
MakeLoader = Callable[[], DataLoader[Any]]


def test_an_objective_gets_its_own_networks_back(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    used: list[Any] = []

    class Watched(Pix2PixObjective):
        def use(self, prepared: Any) -> None:
            used.append(prepared)
            super().use(prepared)

    objective = Watched(*make_objective().modules().values())
    train(objective, make_loader(), quick(epochs=1))
    assert len(used) == 2
    assert used[-1] == objective.modules()


def test_nothing_is_left_on_the_callers_networks(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    objective = make_objective()
    generator = objective.modules()["generator"]
    idle = next(generator.parameters())
    chosen = [p for p in generator.parameters() if p is not idle]
    before = idle.detach().clone()
    own = Pix2PixObjective(generator, objective.modules()["discriminator"], generator_parameters=chosen)
    attributes = set(vars(generator))
    idle_gradients: list[Tensor | None] = []
    train(own, make_loader(), quick(mixed_precision="bf16"), on_epoch=lambda _: idle_gradients.append(idle.grad))
    assert idle_gradients == [None, None]
    assert all(p.grad is None and p.requires_grad for p in generator.parameters())
    assert idle.detach().numpy().tobytes() == before.numpy().tobytes()
    assert set(vars(generator)) == attributes
    assert not any(key == "forward" for module in generator.modules() for key in vars(module))


def test_an_error_of_the_callers_comes_through_and_leaves_usable_networks(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    objective = make_objective()

    def fail(_: EpochRecord) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        train(objective, make_loader(), quick(), on_epoch=fail)
    assert all(p.grad is None and p.requires_grad for m in objective.modules().values() for p in m.parameters())
    train(objective, make_loader(), quick())


def test_a_log_that_cannot_be_written_is_refused_before_any_step(
    make_objective: MakeObjective, make_loader: MakeLoader, tmp_path: Path
) -> None:
    objective = make_objective()
    start = digest(objective)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="log_path"):
        train(objective, make_loader(), quick(log_path=tmp_path / "file" / "log.jsonl"))
    assert digest(objective) == start


def test_a_session_ends_its_epochs_and_not_before(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    objective = make_objective()
    with session_of(objective, make_loader(), quick(epochs=2), None) as session:
        for epoch in (1, 2):
            assert session.has_epochs_left
            assert learn_epoch(session).epoch == epoch
            session.end_epoch(None)
        assert not session.has_epochs_left
        assert [record.epoch for record in session.run.history.epochs] == [1, 2]


def test_a_tensor_that_no_player_moves_is_looked_at_when_the_last_epoch_ends(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    generator, discriminator = make_objective().modules().values()
    idle = next(generator.parameters())
    chosen = [parameter for parameter in generator.parameters() if parameter is not idle]
    objective = Pix2PixObjective(generator, discriminator, generator_parameters=chosen)
    with session_of(objective, make_loader(), quick(epochs=2), None) as session:
        with torch.no_grad():
            idle.add_(1.0)
        learn_epoch(session)
        session.end_epoch(None)
        learn_epoch(session)
        with pytest.raises(FrozenTensorError, match="has changed while another task trained"):
            session.end_epoch(None)
    assert all(parameter.requires_grad for parameter in generator.parameters())
