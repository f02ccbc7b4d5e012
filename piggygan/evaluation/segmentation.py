"""Scores of predicted masks against true ones: Dice, IoU, accuracy, precision and recall.

Every score is a ratio of four pixel counts of one image, and is given in two ways that answer two questions:

- the *mean over images*: how well is an image segmented? Every image counts the same, however small its mask;
- *pooled* over all pixels: how many of all pixels are right? Large masks weigh more.

Where a ratio has no denominator: two empty masks agree, so every score of such an image is 1; a mask that
is empty on one side only has Dice, IoU, precision and recall 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError, InputError, MaskError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class MaskScores:
    """Five scores of a mask, each 0..1, higher is better.

    Example:
        >>> found, true = torch.tensor([[[[1.0, 1.0, -1.0, -1.0]]]]), torch.tensor([[[[1.0, -1.0, -1.0, -1.0]]]])
        >>> scores = segmentation_scores(found, true).pooled
        >>> scores.precision, scores.recall
        (0.5, 1.0)
    """

    dice: float
    """2 TP / (2 TP + FP + FN); the F1 score of the foreground."""
    iou: float
    """TP / (TP + FP + FN); the Jaccard index."""
    accuracy: float
    """(TP + TN) / all pixels."""
    precision: float
    """TP / (TP + FP): the share of the predicted foreground that is right."""
    recall: float
    """TP / (TP + FN): the share of the true foreground that is found; the sensitivity."""


@dataclass(frozen=True)
class SegmentationScores:
    """The scores of a set of masks, averaged over its images and pooled over its pixels.

    Example:
        >>> found, true = torch.tensor([[[[1.0, 1.0, -1.0, -1.0]]]]), torch.tensor([[[[1.0, -1.0, -1.0, -1.0]]]])
        >>> scores = segmentation_scores(found, true)
        >>> round(scores.mean_over_images.dice, 3), scores.images
        (0.667, 1)
    """

    mean_over_images: MaskScores
    pooled: MaskScores
    images: int

    def as_dict(self) -> dict[str, float | int]:
        """Give all scores under flat names, for JSON: ``dice``, ..., ``dice_pooled``, ..., ``images``."""
        pooled = {f"{name}_pooled": value for name, value in asdict(self.pooled).items()}
        return {**asdict(self.mean_over_images), **pooled, "images": self.images}


def count_pixels(
    outputs: Float[Tensor, "batch 1 height width"],
    targets: Float[Tensor, "batch 1 height width"],
    threshold: float = 0.0,
) -> Int[Tensor, "batch 4"]:
    """Count the true positive, false positive, false negative and true negative pixels of each image.

    Args:
        outputs: What the generator gave, in [-1, 1]; above ``threshold`` is foreground.
        targets: True masks: 1 is foreground, -1 background.
        threshold: Between foreground and background, in [-1, 1).

    Raises:
        InputError: If the shapes differ or an output is not a number in [-1, 1].
        MaskError: If a target has other values than -1 and 1.
        ConfigurationError: If the threshold is outside [-1, 1).

    Example:
        >>> outputs = torch.tensor([[[[0.9, 0.2], [-0.3, -0.8]]]])
        >>> targets = torch.tensor([[[[1.0, -1.0], [1.0, -1.0]]]])
        >>> count_pixels(outputs, targets).tolist()
        [[1, 1, 1, 1]]
    """
    _check_threshold(threshold)
    _check_masks(outputs, targets)
    found, true = outputs > threshold, targets > 0
    # torchmetrics' binary_stat_scores(multidim_average="samplewise") raises IndexError on a batch of one image
    # (release 1.9), and one image is the usual batch here.
    kinds = (found & true, found & ~true, ~found & true, ~found & ~true)
    return torch.stack([_pixels_per_image(kind) for kind in kinds], dim=1)


def segmentation_scores(
    outputs: Float[Tensor, "batch 1 height width"],
    targets: Float[Tensor, "batch 1 height width"],
    threshold: float = 0.0,
) -> SegmentationScores:
    """Score a batch of masks; :class:`SegmentationScorer` does the same over several batches.

    Args and errors are those of :func:`count_pixels`.

    Raises:
        InputError: Also if the batch has no image.

    Example:
        One pixel found of one, and one found of three:

        >>> targets = torch.tensor([[[[1.0, -1.0, -1.0]]], [[[1.0, 1.0, 1.0]]]])
        >>> outputs = torch.tensor([[[[0.7, -0.9, -0.2]]], [[[0.4, -0.1, -0.6]]]])
        >>> scores = segmentation_scores(outputs, targets)
        >>> scores.mean_over_images.dice, round(scores.pooled.dice, 4)
        (0.75, 0.6667)
    """
    return scores_of_counts(count_pixels(outputs, targets, threshold))


def scores_of_counts(counts: Int[Tensor, "images 4"]) -> SegmentationScores:
    """Score pixel counts, as :func:`count_pixels` gives them.

    Args:
        counts: True positive, false positive, false negative and true negative pixels of each image.

    Raises:
        InputError: If there is no image.

    Example:
        >>> scores_of_counts(torch.tensor([[1, 0, 0, 2], [1, 0, 2, 0]])).pooled.recall
        0.5
    """
    images = len(counts)
    if images == 0:
        raise InputError("there is no image to score: add at least one")
    return SegmentationScores(
        mean_over_images=MaskScores(*_score_rows(counts).mean(dim=0).tolist()),
        pooled=MaskScores(*_score_rows(counts.sum(dim=0, keepdim=True))[0].tolist()),
        images=images,
    )


class SegmentationScorer:
    """Gathers the pixel counts of batch after batch, then scores all their images together.

    How the images are cut into batches makes no difference, not even by rounding: per image, whole numbers are kept.

    Args:
        threshold: Between foreground and background, in [-1, 1).

    Raises:
        ConfigurationError: If the threshold is outside [-1, 1).

    Example:
        >>> scorer = SegmentationScorer()
        >>> for _ in range(3):
        ...     scorer.update(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        >>> scorer.compute().as_dict()["dice"], scorer.compute().images
        (1.0, 3)
    """

    def __init__(self, threshold: float = 0.0) -> None:
        _check_threshold(threshold)
        self._threshold = threshold
        self._counts: list[Tensor] = []

    def update(
        self,
        outputs: Float[Tensor, "batch 1 height width"],
        targets: Float[Tensor, "batch 1 height width"],
    ) -> None:
        """Add a batch; arguments and errors are those of :func:`count_pixels`. A refused batch adds nothing."""
        self._counts.append(count_pixels(outputs, targets, self._threshold).cpu())

    def compute(self) -> SegmentationScores:
        """Score every image added so far.

        Raises:
            InputError: If no image was added yet.
        """
        return scores_of_counts(torch.cat(self._counts) if self._counts else torch.zeros(0, 4))


def _check_threshold(threshold: float) -> None:
    if not -1.0 <= threshold < 1.0:
        raise ConfigurationError(f"`threshold` is {threshold}, but outputs lie in [-1, 1]: give one in [-1, 1)")


def _check_masks(outputs: Tensor, targets: Tensor) -> None:
    shape = tuple(outputs.shape)
    if shape != tuple(targets.shape) or outputs.ndim != 4 or shape[1] != 1 or 0 in shape[2:]:
        raise InputError(f"outputs {shape} and targets {tuple(targets.shape)} must both be (batch, 1, height, width)")
    if outputs.numel() and not bool(((outputs >= -1) & (outputs <= 1)).all()):  # false for NaN too
        raise InputError(
            f"outputs run from {outputs.min().item():g} to {outputs.max().item():g}, but must be numbers in [-1, 1]: "
            "give what the generator's tanh gives"
        )
    strangers = targets[(targets != 1) & (targets != -1)]
    if strangers.numel():
        raise MaskError(
            f"{strangers.numel()} of {targets.numel()} target pixels are neither -1 nor 1 (the first is "
            f"{strangers[0].item():g}): a mask of 0 and 1 becomes one by `2 * mask - 1`"
        )


def _pixels_per_image(kind: Bool[Tensor, "batch 1 height width"]) -> Int[Tensor, " batch"]:
    return kind.sum(dim=(1, 2, 3))


def _score_rows(counts: Int[Tensor, "rows 4"]) -> Float[Tensor, "rows 5"]:
    """Score each row of counts, in the order of the fields of :class:`MaskScores`."""
    tp, fp, fn, tn = counts.double().unbind(dim=1)
    numerators = torch.stack([2 * tp, tp, tp + tn, tp, tp], dim=1)
    denominators = torch.stack([2 * tp + fp + fn, tp + fp + fn, tp + fp + fn + tn, tp + fp, tp + fn], dim=1)
    both_empty = (tp + fp + fn == 0)[:, None]
    # An empty denominator has an empty numerator, so clamping makes that ratio 0: one mask alone is empty.
    return torch.where(both_empty, 1.0, numerators / denominators.clamp(min=1))
