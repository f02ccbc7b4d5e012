import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor
from torchmetrics.functional.classification import binary_f1_score, binary_jaccard_index

from piggygan.errors import ConfigurationError, InputError, MaskError
from piggygan.evaluation.segmentation import SegmentationScorer, count_pixels, segmentation_scores

NAMES = ("dice", "iou", "accuracy", "precision", "recall")


def picture_of(mask: np.ndarray) -> Tensor:
    return torch.from_numpy(mask).float() * 2 - 1


def scores_by_loop(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Score two flat masks with a loop over pixels, from the definitions of the scores as set sizes."""
    both = either = agree = 0
    for f, t in zip(found.ravel().tolist(), true.ravel().tolist(), strict=True):
        both += f and t
        either += f or t
        agree += f == t
    size_found, size_true = int(found.sum()), int(true.sum())
    if size_found + size_true == 0:
        return dict.fromkeys(NAMES, 1.0)
    return {
        "dice": 2 * both / (size_found + size_true),
        "iou": both / either,
        "accuracy": agree / found.size,
        "precision": both / size_found if size_found else 0.0,
        "recall": both / size_true if size_true else 0.0,
    }


sides = st.integers(1, 5)
mask_pairs = st.tuples(st.integers(1, 4), sides, sides).flatmap(
    lambda shape: hnp.arrays(bool, (2, shape[0], 1, *shape[1:]))
)


@settings(max_examples=150, deadline=None)
@given(mask_pairs)
def test_scores_are_those_of_a_loop_over_pixels(masks: np.ndarray) -> None:
    found, true = masks
    scores = segmentation_scores(picture_of(found), picture_of(true)).as_dict()

    by_image = [scores_by_loop(f, t) for f, t in zip(found, true, strict=True)]
    pooled = scores_by_loop(found, true)
    for name in NAMES:
        mean = math.fsum(image[name] for image in by_image) / len(by_image)
        assert scores[name] == pytest.approx(mean, abs=1e-12)
        assert scores[f"{name}_pooled"] == pytest.approx(pooled[name], abs=1e-12)


def test_pooled_scores_agree_with_torchmetrics() -> None:
    generator = torch.Generator().manual_seed(3)
    outputs = torch.rand(3, 1, 9, 7, generator=generator) * 2 - 1
    targets = torch.randint(0, 2, (3, 1, 9, 7), generator=generator) * 2.0 - 1

    pooled = segmentation_scores(outputs, targets).pooled

    found, true = (outputs > 0).int().flatten(), (targets > 0).int().flatten()
    assert pooled.dice == pytest.approx(binary_f1_score(found, true).item(), abs=1e-6)
    assert pooled.iou == pytest.approx(binary_jaccard_index(found, true).item(), abs=1e-6)


def test_the_mean_over_images_and_the_pooled_score_answer_two_questions() -> None:
    """A small mask wholly right (Dice 1) and a large one half found: 2 * 4 / (4 + 8) = 2/3."""
    true = np.zeros((2, 1, 4, 4), bool)
    found = np.zeros((2, 1, 4, 4), bool)
    true[0, 0, 0, 0] = found[0, 0, 0, 0] = True
    true[1, 0, :2] = found[1, 0, :1] = True

    scores = segmentation_scores(picture_of(found), picture_of(true))

    assert scores.mean_over_images.dice == pytest.approx((1 + 2 / 3) / 2)
    assert scores.pooled.dice == pytest.approx(2 * 5 / (5 + 9))
    assert scores.mean_over_images.recall == pytest.approx(0.75)
    assert scores.pooled.recall == pytest.approx(5 / 9)
    assert scores.images == 2


def test_two_empty_masks_agree_so_every_score_is_one() -> None:
    empty = -torch.ones(1, 1, 3, 3)
    scores = segmentation_scores(empty, empty)
    assert all(scores.as_dict()[name] == 1 for name in NAMES)
    assert scores.pooled.dice == 1


@pytest.mark.parametrize("side", ["outputs", "targets"])
def test_a_mask_that_is_empty_on_one_side_only_scores_zero(side: str) -> None:
    masks = {"outputs": torch.ones(1, 1, 2, 2), "targets": torch.ones(1, 1, 2, 2)}
    masks[side] = -masks[side]
    scores = segmentation_scores(masks["outputs"], masks["targets"]).as_dict()
    assert [scores[name] for name in NAMES] == [0, 0, 0, 0, 0]


def test_an_output_on_the_threshold_is_background() -> None:
    outputs = torch.tensor([[[[0.0, 0.1, 0.5, 0.6]]]])
    targets = torch.ones(1, 1, 1, 4)
    assert count_pixels(outputs, targets).tolist() == [[3, 0, 1, 0]]
    assert count_pixels(outputs, targets, threshold=0.5).tolist() == [[1, 0, 3, 0]]


def test_the_scorer_gives_the_same_bits_however_the_images_are_batched() -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.rand(7, 1, 11, 5, generator=generator) * 2 - 1
    targets = torch.randint(0, 2, (7, 1, 11, 5), generator=generator) * 2.0 - 1
    whole = segmentation_scores(outputs, targets)
    for size in (1, 2, 3, 7):
        scorer = SegmentationScorer()
        for output, target in zip(torch.split(outputs, size), torch.split(targets, size), strict=True):
            scorer.update(output, target)
        assert scorer.compute() == whole


def test_scores_go_to_json_under_flat_names() -> None:
    scores = segmentation_scores(torch.ones(2, 1, 2, 2), torch.ones(2, 1, 2, 2)).as_dict()
    assert json.loads(json.dumps(scores)) == scores
    assert set(scores) == {*NAMES, *(f"{name}_pooled" for name in NAMES), "images"}


@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (1, 4, 4), (2, 1, 4, 4), (1, 1, 4, 0)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"\(batch, 1, height, width\)"):
        count_pixels(torch.zeros(shape), torch.ones(1, 1, 4, 4))


@pytest.mark.parametrize("value", [float("nan"), 1.5, 255.0, -1.01])
def test_outputs_outside_their_range_are_refused(value: float) -> None:
    outputs = torch.zeros(1, 1, 2, 2)
    outputs[0, 0, 1, 1] = value
    with pytest.raises(InputError, match=r"\[-1, 1\]"):
        count_pixels(outputs, torch.ones(1, 1, 2, 2))


def test_a_target_of_zeros_and_ones_is_refused_with_the_way_out() -> None:
    targets = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    with pytest.raises(MaskError, match=r"2 of 4 target pixels .* `2 \* mask - 1`"):
        count_pixels(torch.zeros(1, 1, 2, 2), targets)


def test_a_refused_batch_adds_nothing() -> None:
    scorer = SegmentationScorer()
    with pytest.raises(InputError):
        scorer.update(torch.full((1, 1, 2, 2), 3.0), torch.ones(1, 1, 2, 2))
    with pytest.raises(InputError, match="no image"):
        scorer.compute()


@pytest.mark.parametrize("threshold", [1.0, -1.5, float("nan")])
def test_a_threshold_outside_the_outputs_range_is_refused(threshold: float) -> None:
    with pytest.raises(ConfigurationError, match="threshold"):
        SegmentationScorer(threshold)
    with pytest.raises(ConfigurationError, match="threshold"):
        count_pixels(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), threshold)
