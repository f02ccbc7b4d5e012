"""How much of a new task's targets can be read off what a frozen task sees."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.data import PairBatch
from piggygan.errors import InputError, PiggyganError, TaskNotFoundError, TaskStateError

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 3, 3, padding=1)),
    "unet": lambda: pg.UNetGenerator(depth=4, width=4, norm="batch"),
    "resnet": lambda: pg.ResNetGenerator(width=4, blocks=1),
}


def images(count: int = 8, side: int = 16) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(3)) * 2 - 1


def two_tasks(network: str = "plain") -> pg.MultiTaskGenerator:
    """Two frozen tasks of which one knows nothing of the other."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(NETWORKS[network](), base_task="facades")
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction=1.0, init="normal")
    for parameter in model.task_parameters("lungs"):
        nn.init.normal_(parameter, std=0.3)
    model.freeze_task("lungs")
    return model


def answers(model: pg.MultiTaskGenerator, task: str, given: Tensor) -> Tensor:
    with torch.inference_mode():
        return model.eval()(given, task=task).clone()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("task", ["facades", "lungs"])
def test_the_task_that_gives_the_answers_knows_most(network: str, task: str) -> None:
    model, given = two_tasks(network), images()
    found = pg.relatedness(model, [PairBatch(given, answers(model, task, given), [])])
    (best, most), (_, less) = found.items()
    assert best == task
    assert most > less + 0.05


def test_a_linear_answer_of_the_same_features_is_explained_wholly() -> None:
    model, given = two_tasks(), images()
    batches = [PairBatch(part, 2 * answers(model, "lungs", part) + 1, []) for part in given.split(3)]
    assert pg.relatedness(model, batches)["lungs"] == pytest.approx(1.0, abs=0.01)


def test_what_a_network_pads_is_cut_off() -> None:
    last = nn.Conv2d(6, 3, 11)
    model = pg.MultiTaskGenerator(
        nn.Sequential(nn.Conv2d(3, 6, 1), nn.Tanh(), nn.ReflectionPad2d(5), last), base_task="facades"
    )
    with torch.no_grad():
        last.weight.copy_(last.weight[..., 5:6, 5:6] * torch.eye(11)[5].outer(torch.eye(11)[5]))
    model.freeze_task("facades")
    given = images()
    found = pg.relatedness(model, [PairBatch(given, answers(model, "facades", given), [])])
    assert found["facades"] == pytest.approx(1.0, abs=0.01)


def test_what_nothing_can_know_is_explained_on_the_pairs_fitted_at_most() -> None:
    """As many numbers as are fitted would explain any noise if they were measured where they are fitted."""
    model, noise = two_tasks(), torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    found = pg.relatedness(model, [PairBatch(images(side=4), noise, [])])
    assert all(score < 0.1 for score in found.values())


@pytest.mark.parametrize(("side", "channels"), [(16, 1), (32, 2), (24, 3)])
def test_targets_may_have_other_sides_and_channels(side: int, channels: int) -> None:
    model, given = two_tasks(), images()
    finer = nn.functional.interpolate(given.mean(1, keepdim=True), (side, side), mode="bilinear")
    found = pg.relatedness(model, [PairBatch(given, finer.expand(-1, channels, -1, -1), [])])
    assert all(0.5 < score <= 1 for score in found.values())


def test_only_the_tasks_that_are_named_are_compared() -> None:
    model, given = two_tasks(), images()
    assert list(pg.relatedness(model, [PairBatch(given, given, [])], tasks=["facades"])) == ["facades"]


@pytest.mark.parametrize("training", [True, False])
def test_nothing_of_the_model_changes(training: bool) -> None:
    model, given = two_tasks("unet").train(training), images()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pg.relatedness(model, [PairBatch(given, given, [])])
    assert model.training is training
    assert model.active_task is None
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not model.layers[model.wrapping.output_layer]._forward_pre_hooks


def three_tasks() -> pg.MultiTaskGenerator:
    """A third task, which takes images of one channel."""
    model = two_tasks()
    model.add_task("films", in_channels=1)
    model.freeze_task("films")
    return model


def test_tasks_that_take_other_images_are_left_out() -> None:
    model, given = three_tasks(), images()
    assert set(pg.relatedness(model, [PairBatch(given, given, [])])) == {"facades", "lungs"}
    assert list(pg.relatedness(model, [PairBatch(given[:, :1], given, [])])) == ["films"]


def test_a_named_task_that_takes_other_images_is_refused() -> None:
    model, given = three_tasks(), images()
    with pytest.raises(InputError, match="have 3 channels, and 'films' takes 1"):
        pg.relatedness(model, [PairBatch(given, given, [])], tasks=["films", "lungs"])
    with pytest.raises(InputError, match="have 2 channels, and 'facades' takes 3, 'lungs' takes 3, 'films' takes 1"):
        pg.relatedness(model, [PairBatch(given[:, :2], given, [])])


def test_what_surrounds_it_changes_no_score_and_parts_keep_their_modes() -> None:
    model, given = two_tasks("unet").train(), images()
    next(iter(model.layers.values())).eval()
    modes = [part.training for part in model.modules()]
    plain = pg.relatedness(model, [PairBatch(given, given, [])])
    for around in (torch.autocast("cpu", torch.bfloat16), torch.device("meta")):
        with around:
            assert pg.relatedness(model, [PairBatch(given, given, [])]) == plain
    assert [part.training for part in model.modules()] == modes


def in_training(model: pg.MultiTaskGenerator) -> dict[str, list[str]]:
    model.add_task("hearts")
    return {"tasks": ["hearts", "facades"]}


def same(side: int) -> PairBatch:
    return PairBatch(images(side=side), images(side=side), [])


BAD: dict[str, tuple[type[PiggyganError], str, Callable[[pg.MultiTaskGenerator], dict[str, object]]]] = {
    "no such task": (TaskNotFoundError, "hearts", lambda _: {"tasks": ["hearts"]}),
    "a task in training": (TaskStateError, "freeze hearts first", in_training),
    "no task": (TaskStateError, "freeze facades first", lambda _: {"tasks": []}),
    "one pair": (InputError, "got 1 pairs", lambda _: {"batches": [PairBatch(images(1), images(1), [])]}),
    "none": (InputError, "got 0 pairs", lambda _: {"batches": []}),
    "not in batches": (InputError, "shape", lambda _: {"batches": [PairBatch(images()[0], images()[0], [])]}),
    "several sizes": (InputError, r"\(3, 8, 8\)", lambda _: {"batches": [same(16), same(8)]}),
    "no pairs": (InputError, "4 inputs and 3", lambda _: {"batches": [PairBatch(images(4), images(3), [])]}),
    "targets alike": (InputError, "all alike", lambda _: {"batches": [PairBatch(images(), images() * 0 + 1, [])]}),
    "not finite": (InputError, "not finite", lambda _: {"batches": [PairBatch(images(), images() / 0, [])]}),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_compared_is_refused(bad: str) -> None:
    kind, message, arguments = BAD[bad]
    model = two_tasks()
    given = {"batches": [PairBatch(images(), images(), [])], **arguments(model)}
    with pytest.raises(kind, match=message):
        pg.relatedness(model, **given)
