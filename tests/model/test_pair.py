"""Two generators that keep the same tasks."""

import pytest
import torch

from piggygan import GeneratorPair, MultiTaskGenerator, ResNetGenerator
from piggygan.errors import (
    ConfigurationError,
    InputError,
    TaskExistsError,
    TaskInUseError,
    TaskNotFoundError,
    TaskStateError,
)


def model(*, is_frozen: bool = True) -> MultiTaskGenerator:
    one = MultiTaskGenerator(ResNetGenerator(blocks=1, width=2), "facades")
    if is_frozen:
        one.freeze_task("facades")
    return one


@pytest.fixture
def pair() -> GeneratorPair:
    return GeneratorPair(model(), model())


def test_a_task_is_added_to_both_in_opposite_directions(pair: GeneratorPair) -> None:
    pair.add_task("lungs", out_channels=1, unconstrained_fraction=0.5)
    films = torch.rand(1, 3, 8, 8)
    masks = pair.forward(films, task="lungs")
    assert masks.shape == (1, 1, 8, 8)
    assert pair.backward(masks, task="lungs").shape == films.shape
    described = [one.describe_task("lungs") for one in pair.networks.values()]
    assert [(task.in_channels, task.out_channels) for task in described] == [(None, 1), (1, None)]
    assert [task.unconstrained_fraction["model.4"] for task in described] == [1.0, 1.0]
    assert len(pair.task_parameters("lungs")) == sum(
        len(one.task_parameters("lungs")) for one in pair.networks.values()
    )


def test_a_task_is_frozen_and_removed_in_both(pair: GeneratorPair) -> None:
    pair.add_task("lungs")
    pair.freeze_task("lungs")
    assert all(one.describe_task("lungs").is_frozen for one in pair.networks.values())
    with pytest.raises(TaskStateError, match="frozen already in forward and backward"):
        pair.freeze_task("lungs")
    pair.remove_task("lungs")
    assert pair.tasks == pair.forward.tasks == pair.backward.tasks == ("facades",)
    with pytest.raises(TaskInUseError):
        pair.remove_task("facades")


def test_what_one_refuses_is_added_to_none(pair: GeneratorPair) -> None:
    pair.backward.add_task("lungs")
    with pytest.raises(TaskExistsError):
        pair.add_task("lungs")
    assert pair.forward.tasks == ("facades",)


def test_a_task_in_one_direction_only_is_named(pair: GeneratorPair) -> None:
    pair.forward.add_task("lungs")
    for refused in (pair.freeze_task, pair.remove_task, pair.task_parameters):
        with pytest.raises(TaskNotFoundError, match="'lungs' is in forward only, not in backward"):
            refused("lungs")
    assert not pair.forward.describe_task("lungs").is_frozen
    with pytest.raises(ConfigurationError, match="forward has the tasks facades, lungs, backward facades"):
        GeneratorPair(pair.forward, pair.backward)
    with pytest.raises(TaskNotFoundError, match="no task 'hearts'"):
        pair.freeze_task("hearts")


def test_a_task_frozen_in_one_direction_only_is_frozen_in_no_other() -> None:
    pair = GeneratorPair(model(), model(is_frozen=False))
    with pytest.raises(TaskStateError, match="frozen already in forward"):
        pair.freeze_task("facades")
    assert not pair.backward.describe_task("facades").is_frozen


def test_one_model_is_no_pair() -> None:
    one = model()
    with pytest.raises(ConfigurationError, match="are one model"):
        GeneratorPair(one, one)


def snapshot(pair: GeneratorPair) -> list[object]:
    return [
        (
            network.tasks,
            {task: network.describe_task(task).is_frozen for task in network.tasks},
            list(network.state_dict()),
        )
        for network in pair.networks.values()
    ]


def test_a_task_that_one_direction_cannot_take_is_in_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = GeneratorPair(model(), model())
    before = snapshot(pair)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(TypeError):  # no such argument: refused by both
        pair.add_task("lungs", colour="red")
    monkeypatch.setattr(pair.backward, "add_task", stopped)
    with pytest.raises(KeyboardInterrupt):
        pair.add_task("lungs")
    assert snapshot(pair) == before


def test_a_task_that_diverged_in_one_direction_is_frozen_in_neither() -> None:
    pair = GeneratorPair(model(is_frozen=False), model(is_frozen=False))
    before = snapshot(pair)
    with torch.no_grad():
        pair.backward.task_parameters("facades")[0].view(-1)[0] = torch.nan
    with pytest.raises(InputError, match="weight has 1 of"):
        pair.freeze_task("facades")
    assert snapshot(pair) == before


def test_a_task_that_one_direction_needs_is_removed_from_neither() -> None:
    models = [model(), model()]
    for one, sources in zip(models, (["facades"], None), strict=True):
        one.add_task("lungs")
        one.freeze_task("lungs")
        one.add_task("hearts", draws_on=sources)  # backward's draws on lungs too
    pair = GeneratorPair(*models)
    before = snapshot(pair)
    with pytest.raises(TaskInUseError, match="hearts draw on 'lungs'"):
        pair.remove_task("lungs")
    assert snapshot(pair) == before
