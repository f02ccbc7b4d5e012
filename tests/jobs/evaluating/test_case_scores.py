"""Scores of single cases: the sum of them is what the functions behind them say of all pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from piggygan.data.palette import CMP_PALETTE
from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.labels import picture_label_scores
from piggygan.evaluation.segmentation import segmentation_scores
from piggygan.evaluation.surfaces import surface_scores
from piggygan.jobs.evaluating.case_scores import (
    SCORES,
    MaskScoring,
    Measure,
    PictureScoring,
    checked_tolerance,
    is_one_sided,
    score_of,
)
from piggygan.prediction.options import PredictionOptions

PIXELS = Measure("pixels", {})
PLAIN = PredictionOptions()
PALETTE = [one.rgb for one in CMP_PALETTE]


def drawn(seed: int, channels: int = 1) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    target = torch.where(torch.rand(channels, 12, 9, generator=draw) > 0.6, 1.0, -1.0)
    return (target * 0.4 + torch.randn(target.shape, generator=draw) * 0.5).clamp(-1, 1), target


def test_a_masks_scores_are_those_of_the_functions_behind_them() -> None:
    scoring = MaskScoring(PLAIN, Measure("mm", {"a": (0.5, 0.25)}, tolerance=0.3))
    output, target = drawn(0)
    found = scoring.score("a", output, target).scores
    expected = segmentation_scores(output[None], target[None]).mean_over_images
    outlines = surface_scores((output[0] > 0).numpy(), (target[0] > 0).numpy(), tolerance=0.3, spacing=(0.5, 0.25))
    assert list(found) == ["dice", "iou", "accuracy", "precision", "recall", "hd95", "assd", "nsd"]
    assert (found["dice"], found["recall"]) == (expected.dice, expected.recall)
    assert (found["hd95"], found["assd"], found["nsd"]) == (outlines.hd95, outlines.assd, outlines.nsd)


def test_pooled_masks_are_scored_as_one_picture() -> None:
    scoring = MaskScoring(PLAIN, PIXELS)
    pairs = [drawn(seed) for seed in range(4)]
    pixels = torch.stack([scoring.score("a", *pair).pixels for pair in pairs]).sum(0)
    outputs, targets = (torch.stack(side) for side in zip(*pairs, strict=True))
    assert scoring.pooled(pixels)["dice"] == pytest.approx(segmentation_scores(outputs, targets).pooled.dice)


def test_of_several_classes_each_is_scored_and_their_mean() -> None:
    scoring = MaskScoring(PLAIN, PIXELS, ["lungs", "heart"])
    output, target = drawn(1, channels=2)
    found = scoring.score("a", output, target)
    lungs, heart = (MaskScoring(PLAIN, PIXELS).score("a", output[n, None], target[n, None]).scores for n in (0, 1))
    assert (found.scores["dice lungs"], found.scores["hd95 heart"]) == (lungs["dice"], heart["hd95"])
    assert found.scores["dice"] == pytest.approx((lungs["dice"] + heart["dice"]) / 2)  # type: ignore[operator]
    assert found.pixels.shape == (2, 4)
    assert score_of("dice lungs").label == "Dice, lungs"
    with pytest.raises(InputError, match="2 classes; 0 are named"):
        MaskScoring(PLAIN, PIXELS).score("a", output, target)


def test_masks_are_tidied_as_prediction_tidies_them() -> None:
    target = -torch.ones(1, 10, 10)
    target[:, 1:5, 1:5] = 1
    output = target.clone()
    output[:, 8, 8] = 1  # a speck
    output[:, 2, 2] = -1  # a hole
    plain, tidied = (
        MaskScoring(options, PIXELS).score("a", output, target).scores["dice"]
        for options in (PLAIN, PredictionOptions(largest=1, fill_holes=True))
    )
    assert plain == pytest.approx(2 * 15 / (16 + 16))
    assert tidied == 1.0


def test_a_task_that_finds_nothing_is_seen() -> None:
    _, target = drawn(0)
    scoring = MaskScoring(PLAIN, PIXELS)
    nothing = scoring.score("a", -torch.ones_like(target), target)
    assert is_one_sided(nothing.pixels)
    assert nothing.scores["hd95"] == pytest.approx(math.hypot(12, 9))
    assert not is_one_sided(scoring.score("a", target, target).pixels)


def test_labels_are_scored_where_the_colours_are_known() -> None:
    draw = np.random.default_rng(0)
    colours = torch.tensor(PALETTE) / 127.5 - 1
    maps = [colours[torch.from_numpy(draw.integers(0, 12, (12, 12)))].permute(2, 0, 1) for _ in range(4)]
    scoring = PictureScoring(PALETTE)
    found = [scoring.score("a", maps[n], maps[n + 1]) for n in (0, 2)]
    expected = picture_label_scores(torch.stack(maps[::2]), torch.stack(maps[1::2]), PALETTE)
    assert scoring.pooled(torch.stack([one.pixels for one in found]).sum(0)) == pytest.approx(expected.as_dict())
    assert list(found[0].scores) == ["pixel_accuracy", "class_accuracy", "class_iou", "l1", "psnr", "ssim"]
    assert scoring.headline == "pixel_accuracy"


def test_other_pictures_have_no_label_scores() -> None:
    output, target = drawn(0, channels=3)
    scoring = PictureScoring()
    found = scoring.score("a", output, target)
    assert (list(found.scores), found.scores["ssim"], scoring.headline) == (["l1", "psnr", "ssim"], None, "l1")
    assert scoring.pooled(found.pixels) == {}


def test_data_of_another_task_are_refused() -> None:
    output, target = drawn(0)
    for scoring in (MaskScoring(PLAIN, PIXELS), PictureScoring()):
        with pytest.raises(InputError, match="is this data of another task"):
            scoring.score("a", output, target.repeat(3, 1, 1))


@pytest.mark.parametrize(
    ("measure", "tolerance", "stated"),
    [
        (Measure("mm", {"a": (0.2, 0.1)}), 2.0, "2 mm"),
        (Measure("mm", {"a": (0.2, 0.1)}, 3.5), 3.5, "3.5 mm"),
        (PIXELS, 2.5, "0.5% of the picture's diagonal"),
        (Measure("pixels", {}, 1.0), 1.0, "1 pixels"),
    ],
)
def test_the_tolerance_is_stated(measure: Measure, tolerance: float, stated: str) -> None:
    assert (measure.tolerance_of(300, 400), measure.stated) == (tolerance, stated)
    assert measure.spacing("a") == ((0.2, 0.1) if measure.unit == "mm" else (1.0, 1.0))


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf])
def test_what_is_no_tolerance_is_refused(tolerance: float) -> None:
    with pytest.raises(ConfigurationError, match="needed is a distance"):
        checked_tolerance(tolerance)


def test_every_score_of_a_case_has_a_name() -> None:
    output, target = drawn(0)
    names = [*MaskScoring(PLAIN, PIXELS).score("a", output, target).scores]
    picture = output.repeat(3, 1, 1)
    names += PictureScoring(PALETTE).score("a", picture, picture).scores
    assert names == list(SCORES)
