import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.labels import LabelScorer, l1, label_scores, nearest_labels, picture_label_scores

PALETTE = [[0, 0, 170], [0, 0, 255], [0, 170, 255], [255, 85, 0], [170, 0, 0]]


def picture_of(colours: np.ndarray) -> Tensor:
    """Turn (batch, height, width, 3) in 0..255 into (batch, 3, height, width) in [-1, 1]."""
    return torch.from_numpy(colours).float().permute(0, 3, 1, 2) / 127.5 - 1


def scores_by_loop(predicted: np.ndarray, truth: np.ndarray, classes: int) -> tuple[float, float, float]:
    pairs = list(zip(predicted.ravel().tolist(), truth.ravel().tolist(), strict=True))
    accuracies, ious = [], []
    for label in range(classes):
        of_class = [p for p, t in pairs if t == label]
        if of_class:
            accuracies.append(sum(p == label for p in of_class) / len(of_class))
            either = [(p, t) for p, t in pairs if label in (p, t)]
            ious.append(sum(p == t for p, t in either) / len(either))
    pixel = sum(p == t for p, t in pairs) / len(pairs)
    return pixel, math.fsum(accuracies) / len(accuracies), math.fsum(ious) / len(ious)


shapes = st.tuples(st.just(2), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))


@settings(max_examples=100, deadline=None)
@given(shapes.flatmap(lambda shape: hnp.arrays(np.int64, shape, elements=st.integers(0, 4))))
def test_scores_are_those_of_a_loop_over_pixels_and_classes(maps: np.ndarray) -> None:
    predicted, truth = maps
    scores = label_scores(torch.from_numpy(predicted), torch.from_numpy(truth), classes=5)
    expected = scores_by_loop(predicted, truth, classes=5)
    assert tuple(scores.as_dict().values()) == pytest.approx(expected, abs=1e-12)


def test_a_worked_example_of_three_classes() -> None:
    """Truth has 4, 2 and 2 pixels of its classes, and 3, 1 and 2 of them are right."""
    truth = torch.tensor([[[0, 0, 0, 0], [1, 1, 2, 2]]])
    predicted = torch.tensor([[[0, 0, 0, 1], [1, 2, 2, 2]]])
    scores = label_scores(predicted, truth, classes=3)
    assert scores.pixel_accuracy == 6 / 8
    assert scores.accuracy_by_class == (3 / 4, 1 / 2, 1.0)
    assert scores.class_accuracy == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert scores.iou_by_class == pytest.approx((3 / 4, 1 / 3, 2 / 3))
    assert scores.class_iou == pytest.approx((3 / 4 + 1 / 3 + 2 / 3) / 3)


def test_rows_of_the_confusion_matrix_are_true_classes() -> None:
    scorer = LabelScorer(classes=3)
    scorer.update(torch.tensor([[[2, 2, 0]]]), torch.tensor([[[1, 1, 0]]]))
    assert scorer.confusion.tolist() == [[1, 0, 0], [0, 0, 2], [0, 0, 0]]


def test_a_class_that_never_occurs_is_in_no_mean_but_costs_the_class_it_was_taken_for() -> None:
    truth = torch.tensor([[[0, 0], [0, 0]]])
    predicted = torch.tensor([[[0, 0], [0, 1]]])
    scores = label_scores(predicted, truth, classes=2)
    assert scores.class_accuracy == 3 / 4
    assert scores.class_iou == 3 / 4
    assert scores.accuracy_by_class == (3 / 4, None)


def test_batches_add_up_to_the_whole_set() -> None:
    generator = torch.Generator().manual_seed(1)
    truth = torch.randint(0, 5, (6, 8, 8), generator=generator)
    predicted = torch.randint(0, 5, (6, 8, 8), generator=generator)
    scorer = LabelScorer(classes=5)
    for one, other in zip(torch.split(predicted, 4), torch.split(truth, 4), strict=True):
        scorer.update(one, other)
    assert scorer.compute() == label_scores(predicted, truth, classes=5)


def test_each_pixel_gets_the_class_of_the_nearest_colour() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3))
    expected = [
        min(range(len(PALETTE)), key=lambda label: sum((a - b) ** 2 for a, b in zip(PALETTE[label], c, strict=True)))
        for c in colours.reshape(-1, 3).tolist()
    ]
    assert nearest_labels(picture_of(colours), PALETTE).flatten().tolist() == expected


def test_of_two_colours_equally_near_the_first_class_is_taken() -> None:
    grey = torch.zeros(1, 3, 1, 1)  # 127.5 in each channel, as far from black as from white
    assert nearest_labels(grey, [[0, 0, 0], [255, 255, 255]]).item() == 0
    assert nearest_labels(grey, [[255, 255, 255], [0, 0, 0]]).item() == 0


def test_pictures_are_decoded_before_they_are_scored() -> None:
    truth = np.array([[[0, 1], [4, 4]]])
    predicted = np.array([[[0, 2], [4, 3]]])
    colours = np.array(PALETTE)
    noise = np.random.default_rng(1).uniform(-20, 20, (1, 2, 2, 3))
    outputs = picture_of((colours[predicted] + noise).clip(0, 255))
    scores = picture_label_scores(outputs, picture_of(colours[truth]), PALETTE)
    expected = label_scores(torch.from_numpy(predicted), torch.from_numpy(truth), classes=5)
    assert scores == expected
    assert scores.pixel_accuracy == 0.5


def test_l1_is_the_mean_absolute_difference() -> None:
    rng = np.random.default_rng(2)
    outputs, targets = rng.uniform(-1, 1, (2, 3, 3, 4, 5)).astype(np.float32)
    differences = [abs(float(a) - float(b)) for a, b in zip(outputs.ravel(), targets.ravel(), strict=True)]
    expected = math.fsum(differences) / len(differences)
    assert l1(torch.from_numpy(outputs), torch.from_numpy(targets)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (torch.zeros(1, 2, 2), "hold integers"),
        (torch.zeros(1, 2, 2, dtype=torch.bool), "hold integers"),
        (torch.full((1, 2, 2), 3), r"0 to 2"),
        (torch.full((1, 2, 2), -1), r"0 to 2"),
        (torch.zeros(1, 2, 3, dtype=torch.long), r"\(batch, height, width\)"),
        (torch.zeros(2, 2, dtype=torch.long), r"\(batch, height, width\)"),
    ],
)
def test_label_maps_that_cannot_be_scored_are_refused_and_add_nothing(predicted: Tensor, message: str) -> None:
    scorer = LabelScorer(classes=3)
    with pytest.raises(InputError, match=message):
        scorer.update(predicted, torch.zeros(1, 2, 2, dtype=torch.long))
    assert scorer.confusion.sum() == 0
    with pytest.raises(InputError, match="no pixel"):
        scorer.compute()


@pytest.mark.parametrize(
    ("palette", "message"),
    [
        ([[0, 0], [1, 1]], r"\(classes, 3\)"),
        ([], r"\(classes, 3\)"),
        ([[0, 0, 256]], r"0\.\.255"),
        ([[1, 2, 3], [1, 2, 3]], "twice"),
    ],
)
def test_a_palette_that_cannot_tell_classes_apart_is_refused(palette: list[list[int]], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        nearest_labels(torch.zeros(1, 3, 2, 2), palette)


@pytest.mark.parametrize("pictures", [torch.zeros(1, 1, 2, 2), torch.full((1, 3, 2, 2), torch.nan)])
def test_pictures_that_are_not_rgb_numbers_are_refused(pictures: Tensor) -> None:
    with pytest.raises(InputError, match="pictures"):
        nearest_labels(pictures, PALETTE)


def test_no_classes_and_nothing_to_compare_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        LabelScorer(classes=0)
    with pytest.raises(InputError, match="one shape"):
        l1(torch.zeros(2, 2), torch.zeros(2, 3))
    with pytest.raises(InputError, match="with pixels"):
        l1(torch.zeros(0), torch.zeros(0))
