"""Scores: how good a task's outputs are, and what learning later tasks did to them."""

from piggygan.evaluation.fixed_answers import fixed_label_picture, fixed_mask
from piggygan.evaluation.intervals import MeanInterval, PairedComparison, mean_interval, paired_comparison
from piggygan.evaluation.labels import (
    LabelScorer,
    LabelScores,
    l1,
    label_scores,
    nearest_labels,
    picture_label_scores,
)
from piggygan.evaluation.relatedness import relatedness
from piggygan.evaluation.segmentation import MaskScores, SegmentationScorer, SegmentationScores, segmentation_scores
from piggygan.evaluation.similarity import Similarity, similarity
from piggygan.evaluation.surfaces import SurfaceScores, surface_scores
from piggygan.evaluation.task_matrix import TaskMatrix

__all__ = [
    "LabelScorer",
    "LabelScores",
    "MaskScores",
    "MeanInterval",
    "PairedComparison",
    "SegmentationScorer",
    "SegmentationScores",
    "Similarity",
    "SurfaceScores",
    "TaskMatrix",
    "fixed_label_picture",
    "fixed_mask",
    "l1",
    "label_scores",
    "mean_interval",
    "nearest_labels",
    "paired_comparison",
    "picture_label_scores",
    "relatedness",
    "segmentation_scores",
    "similarity",
    "surface_scores",
]
