"""A training from its first batch to its history."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from piggygan.training import EpochRecord, Pix2PixObjective, train
from tests.training.running import digest, quick

MakeObjective = Callable[..., Pix2PixObjective]
MakeLoader = Callable[[], DataLoader[Any]]


def test_the_same_seed_ends_in_the_same_bytes_and_another_one_does_not(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    ends = []
    for seed in (1, 1, 2):
        objective = make_objective("batch")
        train(objective, make_loader(), quick(seed=seed))
        ends.append(digest(objective))
    assert ends[0] == ends[1]
    assert ends[0] != ends[2]
    assert ends[0] != digest(make_objective("batch"))


def test_training_brings_the_losses_down(make_objective: MakeObjective, make_loader: MakeLoader) -> None:
    history = train(make_objective(), make_loader(), quick(epochs=20, learning_rate=5e-3))
    losses = [record.losses for record in history.epochs]
    assert set(losses[0]) == {"discriminator.real", "discriminator.fake", "generator.adversarial", "generator.l1"}
    assert losses[-1]["generator.l1"] < 0.8 * losses[0]["generator.l1"]


def test_networks_train_in_training_mode_and_are_looked_at_in_evaluation_mode(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    objective = make_objective()
    modes: list[tuple[str, bool, bool]] = []
    generator, discriminator = objective.modules().values()

    def note(moment: str) -> None:
        modes.append((moment, generator.training, discriminator.training))

    generator.eval()
    generator.register_forward_pre_hook(lambda *_: note("forward"))
    train(
        objective,
        make_loader(),
        quick(epochs=1),
        on_epoch=lambda _: note("epoch"),
        sample=lambda _: note(f"sample, gradients {torch.is_grad_enabled()}"),
    )
    note("end")
    assert modes == [("forward", True, True)] * 3 + [
        ("epoch", False, False),
        ("sample, gradients False", False, False),
        ("end", False, False),
    ]


def test_the_history_and_the_log_say_the_same(
    make_objective: MakeObjective, make_loader: MakeLoader, tmp_path: Path
) -> None:
    log = tmp_path / "new" / "log.jsonl"
    seen: list[EpochRecord] = []
    history = train(make_objective(), make_loader(), quick(epochs=4, log_path=log), on_epoch=seen.append)
    train(make_objective(), make_loader(), quick(epochs=1, log_path=log))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 5
    assert [EpochRecord(**line) for line in lines[:4]] == history.epochs == seen
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 1]
    assert [line["learning_rate"] for line in lines[:4]] == pytest.approx([2e-4, 2e-4, 4e-4 / 3, 2e-4 / 3])


def test_samples_are_asked_for_every_few_epochs_and_at_the_end(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    asked: list[int] = []
    train(make_objective(), make_loader(), quick(epochs=5, sample_every=2), sample=asked.append)
    assert asked == [2, 4, 5]


def test_looking_at_samples_does_not_change_the_training(
    make_objective: MakeObjective, make_loader: MakeLoader
) -> None:
    ends = []
    for sample in (None, lambda _: list(make_loader()) and torch.rand(3)):
        objective = make_objective()
        train(objective, make_loader(), quick(), sample=sample)  # type: ignore[arg-type]
        ends.append(digest(objective))
    assert ends[0] == ends[1]


def test_data_and_samplers_are_told_the_epoch(make_objective: MakeObjective, pairs: Any) -> None:
    class Ordered(torch.utils.data.Sampler[int]):
        epochs: list[int] = []  # noqa: RUF012

        def __iter__(self) -> Iterator[int]:
            return iter(range(3))

        def __len__(self) -> int:
            return 3

        def set_epoch(self, epoch: int) -> None:
            self.epochs.append(epoch)

    sampler = Ordered()
    train(make_objective(), DataLoader(pairs, sampler=sampler), quick(epochs=3))
    for told in (pairs.epochs, sampler.epochs):
        assert sorted(set(told)) == [0, 1, 2]
        assert told == sorted(told)
