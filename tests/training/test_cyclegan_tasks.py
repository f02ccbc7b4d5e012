"""CycleGAN on models of many tasks: what is frozen stays, objectives are mixed, discriminators go on."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan import GeneratorPair, MultiTaskGenerator, PatchDiscriminator, ResNetGenerator, TaskRegistry
from piggygan.errors import ResumeError
from piggygan.networks.pix2pix import load_pix2pix_generator
from piggygan.training import (
    Checkpoints,
    CycleGANObjective,
    Pix2PixObjective,
    TrainingOptions,
    start_from,
    train,
)

WEIGHTS = Path(__file__).parents[2] / "../shared/data/weights/vintagify_G_A2B_epoch33.pth"


@pytest.fixture
def learn(make_pair: Any) -> Callable[..., None]:
    """Take three steps on noise of the channels that a task has."""

    def run(objective: Any, channels: tuple[int, int], checkpoints: Checkpoints | None = None) -> None:
        random = torch.Generator().manual_seed(2)
        sides = [torch.rand(3, 1, number, 16, 16, generator=random) * 2 - 1 for number in channels]
        batches = [make_pair(first, second, "") for first, second in zip(*sides, strict=True)]
        train(objective, batches, TrainingOptions(epochs=1, progress=False), checkpoints=checkpoints)

    return run


def cyclegan(pair: GeneratorPair, task: str, channels: tuple[int, int] = (3, 3), **arguments: Any) -> CycleGANObjective:
    discriminators = [PatchDiscriminator(number, width=2, layers=1) for number in reversed(channels)]
    return CycleGANObjective(
        pair.forward,
        pair.backward,
        *discriminators,
        generator_parameters=pair.task_parameters(task),
        forward_arguments={"task": task},
        **arguments,
    )


def make_pair_of_models() -> GeneratorPair:
    torch.manual_seed(1)
    return GeneratorPair(*(MultiTaskGenerator(ResNetGenerator(blocks=1, width=4), "facades") for _ in range(2)))


def outputs(pair: GeneratorPair, task: str) -> list[bytes]:
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return [model.eval()(images, task=task).numpy().tobytes() for model in pair.networks.values()]


def test_nothing_is_forgotten_in_either_direction_by_a_task_of_another_objective(
    learn: Callable[..., None], tmp_path: Path
) -> None:
    pair = make_pair_of_models()
    start = outputs(pair, "facades")
    learn(cyclegan(pair, "facades"), (3, 3))
    pair.freeze_task("facades")
    facades = outputs(pair, "facades")
    assert all(one != other for one, other in zip(facades, start, strict=True))

    pair.add_task("lungs", out_channels=1)
    before = [parameter.detach().clone() for parameter in pair.task_parameters("lungs")]
    for network, channels in (("forward", (3, 1)), ("backward", (1, 3))):
        model = pair.networks[network]
        objective = Pix2PixObjective(
            model,
            PatchDiscriminator(4, width=2, layers=1),
            generator_parameters=model.task_parameters("lungs"),
            forward_arguments={"task": "lungs"},
        )
        learn(objective, channels)
    assert any(not torch.equal(one, two) for one, two in zip(before, pair.task_parameters("lungs"), strict=True))
    pair.freeze_task("lungs")
    assert outputs(pair, "facades") == facades

    registry = TaskRegistry(tmp_path / "registry")
    for task in pair.tasks:
        registry.commit(pair.networks, task)
    loaded = GeneratorPair(*(registry.load(network=network) for network in pair.networks))
    assert outputs(loaded, "facades") == facades
    assert registry.verify().is_sound


def test_what_one_direction_learned_by_pix2pix_alone_has_a_registry_of_its_own(tmp_path: Path) -> None:
    pair = make_pair_of_models()
    pair.freeze_task("facades")
    pair.forward.add_task("lungs", out_channels=1)
    pair.forward.freeze_task("lungs")
    registry = TaskRegistry(tmp_path / "registry")
    for task in pair.forward.tasks:
        registry.commit(pair.forward, task)
    assert registry.networks == ("generator",)
    assert registry.load().tasks == ("facades", "lungs")


def test_a_discriminator_starts_as_an_earlier_tasks(learn: Callable[..., None], tmp_path: Path) -> None:
    pair = make_pair_of_models()
    earlier = cyclegan(pair, "facades")
    learn(earlier, (3, 3), Checkpoints(tmp_path))
    trained = earlier.modules()["forward_discriminator"].state_dict()

    same = PatchDiscriminator(3, width=2, layers=1)
    start_from(Checkpoints(tmp_path), "forward_discriminator", same)
    assert all(torch.equal(tensor, trained[name]) for name, tensor in same.state_dict().items())

    of_masks = PatchDiscriminator(1, width=2, layers=1)
    first = of_masks.state_dict()["model.0.weight"].clone()
    start_from(Checkpoints(tmp_path), "forward_discriminator", of_masks)
    now = of_masks.state_dict()
    assert torch.equal(now.pop("model.0.weight"), first)
    assert all(torch.equal(tensor, trained[name]) for name, tensor in now.items())


def test_a_discriminator_that_is_another_one_is_refused_and_stays(learn: Callable[..., None], tmp_path: Path) -> None:
    pair = make_pair_of_models()
    learn(cyclegan(pair, "facades"), (3, 3), Checkpoints(tmp_path))
    wider = PatchDiscriminator(3, width=4, layers=1)
    before = {name: tensor.clone() for name, tensor in wider.state_dict().items()}
    with pytest.raises(ResumeError, match="other networks"):
        start_from(Checkpoints(tmp_path), "forward_discriminator", wider)
    assert all(torch.equal(tensor, before[name]) for name, tensor in wider.state_dict().items())
    with pytest.raises(ResumeError, match="no 'judge' in the checkpoints"):
        start_from(Checkpoints(tmp_path), "judge", wider)
    with pytest.raises(ResumeError, match="no 'forward' in the checkpoints"):
        start_from(Checkpoints(tmp_path / "none"), "forward", wider)


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the shared data are not on this machine")
def test_a_generator_that_others_trained_is_the_base_task(learn: Callable[..., None]) -> None:
    theirs = load_pix2pix_generator(WEIGHTS)
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected: Tensor = theirs(images)
    # They published one direction; the other one starts from the same weights, and learns in its own task.
    pair = GeneratorPair(*(MultiTaskGenerator(network, "vintage") for network in (copy.deepcopy(theirs), theirs)))
    pair.freeze_task("vintage")
    pair.add_task("lungs", out_channels=1)
    learn(cyclegan(pair, "lungs", (3, 1), identity_weight=0.0), (3, 1))
    pair.freeze_task("lungs")
    with torch.inference_mode():
        assert pair.forward(images, task="vintage").numpy().tobytes() == expected.numpy().tobytes()
        assert pair.forward(images, task="lungs").shape == (1, 1, 16, 16)
    assert max(model.overhead()["lungs"].share for model in pair.networks.values()) < 0.36
    assert isinstance(pair.backward.fold_task("vintage"), nn.Module)
