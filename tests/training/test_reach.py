"""Parameters that are to move and that no loss reaches: refused where something is wrong, and only there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from piggygan.errors import ConfigurationError, TaskNotChosenError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.training import Checkpoints, SupervisedObjective, TrainingOptions, Turn, l1_loss, train
from piggygan.training.reach import FIRST_TURNS


class Twigs(nn.Module):
    """Two layers in a row, and what is done between them."""

    def __init__(self, between: Callable[[Tensor], Tensor] = lambda features: features) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 1)
        self.second = nn.Conv2d(2, 1, 1)
        self.between = between
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += self.training
        output: Tensor = self.second(self.between(self.first(images)))
        return output


class WithoutGradients(Twigs):
    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.first(images)
        output: Tensor = self.second(features)
        return output


class Branching(Twigs):
    """A branch that runs, or counts, only when it is told."""

    def __init__(self, runs: Callable[[int], bool], counts: Callable[[int], float] = lambda _: 1.0) -> None:
        super().__init__()
        self.branch = nn.Conv2d(1, 1, 1)
        self.runs, self.counts = runs, counts

    def forward(self, images: Tensor) -> Tensor:
        output = super().forward(images)
        if self.runs(self.calls):
            output = output + self.counts(self.calls) * self.branch(images)
        return output


class Scheduled(SupervisedObjective):
    """A generator, and a judge whose turns come when they come."""

    def __init__(self, generator: nn.Module, turns: Callable[[int], tuple[str, ...]]) -> None:
        super().__init__(generator)
        torch.manual_seed(0)
        self.judge = nn.Conv2d(1, 1, 1)
        self.turns, self.batches = turns, 0

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {**super().players(), "judge": list(self.judge.parameters())}

    def modules(self) -> dict[str, nn.Module]:
        return {**super().modules(), "judge": self.judge}

    def play(self, batch: Any) -> Iterator[Turn]:
        self.batches += 1
        turns = self.turns(self.batches)
        if "generator" in turns:
            yield from super().play(batch)
        if "judge" in turns:
            yield Turn("judge", {"score": l1_loss(self.judge(batch.target), batch.input)})


@pytest.fixture
def batches(make_pair: Any) -> list[Any]:
    images = torch.rand(6, 1, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return [make_pair(image, -image, "") for image in images]


def values(module: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in module.state_dict().items()}


def learn(objective: Any, batches: list[Any], epochs: int = 3, **arguments: Any) -> None:
    train(objective, batches, TrainingOptions(epochs=epochs, progress=False), **arguments)


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("make", [lambda: Twigs(torch.detach), WithoutGradients])
def test_layers_that_run_and_are_never_reached_are_refused_by_name(
    make: Callable[[], nn.Module], batches: list[Any], epochs: int
) -> None:
    generator = make()
    before = values(generator)
    with pytest.raises(ConfigurationError) as caught:
        learn(SupervisedObjective(generator), batches * 2, epochs)
    message = str(caught.value)
    assert f"2 of the 4 parameters that 'generator' is to move got no gradient in its first {FIRST_TURNS}" in message
    assert "generator.first.weight, generator.first.bias" in message
    assert values(generator) == before
    assert not any(part._forward_hooks for part in generator.modules())
    with pytest.raises(ConfigurationError, match="got no gradient in its first 6 steps"):
        learn(SupervisedObjective(generator), batches, 1)


def test_a_gradient_of_nought_is_one(batches: list[Any]) -> None:
    learn(SupervisedObjective(Twigs(torch.sign)), batches)


def test_a_task_whose_activations_are_recomputed_learns_in_all_its_layers_or_is_refused(batches: list[Any]) -> None:
    class Checkpointed(Twigs):
        def forward(self, images: Tensor) -> Tensor:
            output: Tensor = checkpoint(super().forward, images, use_reentrant=True)
            return output

    class Stem(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.body = nn.Conv2d(1, 1, 1), Checkpointed()

        def forward(self, images: Tensor) -> Tensor:
            output: Tensor = self.body(self.stem(images))
            return output

    model = MultiTaskGenerator(Stem(), "a")
    model.freeze_task("a")
    model.add_task("b")
    parameters = model.task_parameters("b")
    before = [parameter.detach().clone() for parameter in parameters]
    objective = SupervisedObjective(model, generator_parameters=parameters, forward_arguments={"task": "b"})
    try:
        learn(objective, batches)
    except (ConfigurationError, TaskNotChosenError):  # the latter where a recomputation does not know its task
        pass
    else:
        assert not any(torch.equal(one, other) for one, other in zip(before, parameters, strict=True))


@pytest.mark.parametrize(
    "generator",
    [
        Branching(lambda call: call > 3),  # unused in the first steps
        Branching(lambda call: call % 2 == 0),  # every second step
        Branching(lambda call: call % 7 == 0),
        Branching(lambda _: True, lambda call: float(call > 14)),  # a loss that begins later, with the weight 0
    ],
)
def test_what_comes_later_or_now_and_then_is_trained(generator: Branching, batches: list[Any]) -> None:
    before = values(generator)
    learn(SupervisedObjective(generator), batches)
    assert all(now != before[name] for name, now in values(generator).items())


def test_a_layer_that_does_not_run_is_named_in_the_log_and_the_others_learn(
    batches: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    generator = Branching(lambda call: call > 15)
    learn(SupervisedObjective(generator), batches)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "2 of the 6 parameters that 'generator' is to move have not moved" in said
    assert "generator.branch.weight, generator.branch.bias" in said


@pytest.mark.parametrize(
    "turns",
    [
        lambda batch: ("generator", "judge") if batch % 4 == 0 else ("generator",),  # a judge slower than the generator
        lambda batch: ("generator", "judge") if batch > 8 else ("generator",),  # one that begins in the second epoch
        lambda batch: ("judge",) if batch < 9 else ("generator",),  # a judge that is trained first, and then left alone
        lambda batch: ("generator", "judge") if batch % 5 == 0 else (),  # gradients of five batches at once
    ],
)
def test_a_player_with_a_schedule_of_its_own_is_trained(
    turns: Any, batches: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    objective = Scheduled(Twigs(), turns)
    before = values(objective.judge)
    learn(objective, batches)
    assert values(objective.judge) != before
    assert not caplog.records


def test_a_player_that_never_has_a_turn_is_named_in_the_log(
    batches: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    learn(Scheduled(Twigs(), lambda _: ("generator",)), batches)
    assert [record.getMessage() for record in caplog.records] == [
        "'judge' had no turn in this training, and has not moved."
    ]


def test_what_was_reached_before_an_interruption_is_not_refused_after_it(batches: list[Any], tmp_path: Path) -> None:
    class Twice(SupervisedObjective):
        def play(self, batch: Any) -> Iterator[Turn]:
            (turn,) = super().play(batch)
            yield turn._replace(losses={"l1": turn.losses["l1"]} if generator.calls <= 12 else {"l1": late()})

    def late() -> Tensor:
        generator.branch(torch.zeros(1, 1, 4, 4))  # runs, and counts no more
        return generator.second(torch.ones(1, 2, 4, 4)).square().mean()

    generator = Branching(lambda _: True)
    checkpoints = Checkpoints(tmp_path, inexact=True)
    learn(Twice(generator), batches, 2, checkpoints=checkpoints)
    learn(Twice(generator), batches, 5, checkpoints=checkpoints)
