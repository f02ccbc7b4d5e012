"""Pictures in memory through a task: what the network makes, at each picture's own size."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from piggygan.data.framing import to_square
from piggygan.errors import ConfigurationError, InputError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.prediction import PredictionOptions, translate_pictures
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRegistry

MakeMirror = Callable[..., nn.Sequential]


def mirror_model(make_mirror: MakeMirror, channels: int = 1) -> MultiTaskGenerator:
    return MultiTaskGenerator(make_mirror(channels), "lungs")


def smooth(channels: int, rows: int, columns: int) -> Tensor:
    """Draw a picture without anything finer than the network's pixels."""
    y, x = torch.linspace(-1, 1, rows)[:, None], torch.linspace(-1, 1, columns)[None]
    return torch.stack([(x * (1 + band) + y).sin() * 0.9 for band in range(channels)])


@pytest.mark.parametrize("fit", ["stretch", "pad", "tile"])
@pytest.mark.parametrize("size", [(64, 64), (150, 97), (33, 200), (20, 10)])
def test_through_a_network_that_changes_nothing_a_picture_comes_back(
    make_mirror: MakeMirror, fit: str, size: tuple[int, int]
) -> None:
    picture = smooth(3, *size)
    options = PredictionOptions(size=64, fit=fit)  # type: ignore[arg-type]
    (back,) = translate_pictures(mirror_model(make_mirror, 3), "lungs", [picture], options)
    # Tiles resample nothing; what is resized loses a little, at the border above all.
    assert (back - picture).abs().max() < (1e-6 if fit == "tile" else 0.12)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_the_network_gets_what_training_would_give_it(registry: TaskRegistry, batch_size: int) -> None:
    model = registry.load(["lungs"])
    pictures = [smooth(3, 50, 80), smooth(3, 64, 64), smooth(3, 90, 31)]
    options = PredictionOptions(size=32, batch_size=batch_size)
    translator = Translator(model, "lungs", options)
    outputs = translator([translator.placement(*picture.shape[-2:]).place(picture) for picture in pictures])
    with torch.inference_mode():
        expected = model(torch.stack([to_square(picture, 32, "bilinear") for picture in pictures]), task="lungs")
    torch.testing.assert_close(torch.stack(outputs), expected)


def test_tiles_are_translated_one_by_one(registry: TaskRegistry) -> None:
    """In the corner of a picture only one tile counts, so there the network's answer to it stands."""
    model, picture = registry.load(["facades"]), smooth(3, 64, 96)
    (whole,) = translate_pictures(model, "facades", [picture], PredictionOptions(size=32, fit="tile"))
    with torch.inference_mode():
        corner = model(picture[None, :, :32, :32], task="facades")[0]
    torch.testing.assert_close(whole[:, :24, :24], corner[:, :24, :24])


@pytest.mark.parametrize(("task", "kind"), [("facades", "picture"), ("lungs", "mask")])
def test_three_channels_are_a_picture_and_one_is_a_mask(registry: TaskRegistry, task: str, kind: str) -> None:
    model = registry.load([task])
    assert Translator(model, task, PredictionOptions(size=32)).kind == kind
    assert Translator(model, "lungs" if task == "lungs" else task, PredictionOptions(size=32)).in_channels == 3


def test_one_channel_can_be_a_picture_but_three_are_no_mask(registry: TaskRegistry) -> None:
    model = registry.load(["lungs"])
    assert Translator(model, "lungs", PredictionOptions(size=32, kind="picture")).kind == "picture"
    with pytest.raises(ConfigurationError, match="makes 3 channels, and a mask has 1"):
        Translator(model, "facades", PredictionOptions(size=32, kind="mask")).check_channels()


def test_a_task_of_other_input_channels_than_the_base_task_gets_these() -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", in_channels=1, out_channels=1)
    assert Translator(model, "lungs", PredictionOptions(size=32)).in_channels == 1
    assert Translator(model, "facades", PredictionOptions(size=32)).in_channels == 3


def test_d01_an_unknown_task_is_refused_with_the_close_names(registry: TaskRegistry) -> None:
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        translate_pictures(registry.load(), "lung", [])


@pytest.mark.parametrize("size", [12, 33])
def test_d03_a_size_that_the_network_cannot_halve_is_refused(registry: TaskRegistry, size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"size={size}.*multiple"):
        translate_pictures(registry.load(), "lungs", [], PredictionOptions(size=size))


def test_d07_other_channels_than_the_task_takes_are_refused(make_mirror: MakeMirror) -> None:
    with pytest.raises(InputError, match="has 3 channels; task 'lungs' takes 1"):
        translate_pictures(mirror_model(make_mirror), "lungs", [smooth(3, 8, 8)], PredictionOptions(size=8))


def test_a_network_whose_output_is_smaller_is_refused() -> None:
    model = MultiTaskGenerator(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 3)), "lungs")
    with pytest.raises(ConfigurationError, match=r"makes \(12, 12\) pixels of 16 x 16"):
        translate_pictures(model, "lungs", [], PredictionOptions(size=16))


@pytest.mark.parametrize(("channels", "message"), [(2, "takes 2 channels"), (4, "takes 4 channels")])
def test_channels_of_no_picture_are_refused(make_mirror: MakeMirror, channels: int, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        translate_pictures(mirror_model(make_mirror, channels), "lungs", [], PredictionOptions(size=16))


def test_a_device_that_is_not_there_is_refused(make_mirror: MakeMirror) -> None:
    with pytest.raises(ConfigurationError, match="device is 'quantum'"):
        translate_pictures(mirror_model(make_mirror), "lungs", [], PredictionOptions(size=16, device="quantum"))


def test_evaluation_is_evaluation() -> None:
    """A model that was left in training mode predicts by its running statistics, and they stay."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=3, width=4, norm="batch"), "facades")
    model(torch.rand(4, 3, 32, 32), task="facades")
    before = {name: tensor.numpy().tobytes() for name, tensor in model.task_tensors("facades").items()}
    picture = smooth(3, 32, 32)
    (output,) = translate_pictures(model.train(), "facades", [picture], PredictionOptions(size=32))
    assert {name: tensor.numpy().tobytes() for name, tensor in model.task_tensors("facades").items()} == before
    with torch.inference_mode():
        (expected,) = model.eval()(picture[None], task="facades")
        (other,) = model.train()(picture[None], task="facades")
    torch.testing.assert_close(output, expected)
    assert (other - expected).abs().max() > 0.01
