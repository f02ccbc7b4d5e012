"""How good outputs are: each kind of task by its own scores, and one of them, image by image, as its headline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from benchmarks.evidence.distances import FeatureNetwork, frechet_distance, kernel_distance
from benchmarks.evidence.preset import Kind
from piggygan.data.palette import CMP_PALETTE
from piggygan.evaluation.labels import l1, picture_label_scores
from piggygan.evaluation.segmentation import segmentation_scores

PALETTES: dict[Kind, list[tuple[int, int, int]]] = {
    "labels": [facade_class.rgb for facade_class in CMP_PALETTE],
    "windows": [(0, 0, 255), (255, 0, 0)],
}
HEADLINES: dict[Kind, str] = {"labels": "pixel_accuracy", "windows": "class_iou", "photo": "ssim", "mask": "dice"}
"""The score that stands for a kind of task, 0..1 and higher is better: the mean over images of each image's score."""


@dataclass(frozen=True)
class Quality:
    """Scores of a set of outputs.

    Attributes:
        scores: Of the whole set, by name; ``headline`` is the mean of ``by_image``.
        by_image: The headline score of each image.
    """

    scores: dict[str, float]
    by_image: list[float]


def score(kind: Kind, outputs: Tensor, targets: Tensor, features: FeatureNetwork | None = None) -> Quality:
    """Score outputs against targets.

    Args:
        kind: What the pictures are.
        outputs: ``(images, channels, height, width)`` in [-1, 1].
        targets: Of the same shape.
        features: For photos, what distances of distributions are taken in; None: they are left out.
    """
    by_image = [headline(kind, outputs[n : n + 1], targets[n : n + 1]) for n in range(len(outputs))]
    scores = {"headline": fmean(by_image), "l1": l1(outputs, targets)}
    if kind == "mask":
        scores |= segmentation_scores(outputs, targets).as_dict()
    elif kind == "photo":
        scores["ssim"] = scores["headline"]
        if features is not None:
            found, true = features(outputs), features(targets)
            scores[f"fid, {features.name}"] = frechet_distance(found, true)
            scores[f"kid, {features.name}"] = kernel_distance(found, true)
    else:
        scores |= picture_label_scores(outputs, targets, PALETTES[kind]).as_dict()
    return Quality(scores, by_image)


def headline(kind: Kind, output: Tensor, target: Tensor) -> float:
    """Score one image, ``(1, channels, height, width)``."""
    if kind == "mask":
        return segmentation_scores(output, target).mean_over_images.dice
    if kind == "photo":
        found = structural_similarity_index_measure(output, target, data_range=(-1.0, 1.0))
        return float(found) if isinstance(found, Tensor) else float(found[0])
    return picture_label_scores(output, target, PALETTES[kind]).as_dict()[HEADLINES[kind]]


def nearest_to_median(values: Sequence[float], count: int) -> list[int]:
    """Choose the places of the values nearest to the median, in order; of two equally near the first."""
    middle = sorted(values)[len(values) // 2]
    return sorted(sorted(range(len(values)), key=lambda place: abs(values[place] - middle))[:count])
