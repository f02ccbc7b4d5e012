"""Scores: how good a task's outputs are, and what learning later tasks did to them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from piggygan.evaluation.intervals import MeanInterval, PairedComparison, mean_interval, paired_comparison
from piggygan.evaluation.relatedness import relatedness
from piggygan.evaluation.similarity import Similarity, similarity
from piggygan.evaluation.surfaces import SurfaceScores, surface_scores
from piggygan.evaluation.task_matrix import TaskMatrix

if TYPE_CHECKING:
    from piggygan.evaluation.fixed_answers import fixed_label_picture, fixed_mask
    from piggygan.evaluation.labels import (
        LabelScorer,
        LabelScores,
        l1,
        label_scores,
        nearest_labels,
        picture_label_scores,
    )
    from piggygan.evaluation.segmentation import MaskScores, SegmentationScorer, SegmentationScores, segmentation_scores

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

_OF_MODULES = {
    "LabelScorer": "labels",
    "LabelScores": "labels",
    "MaskScores": "segmentation",
    "SegmentationScorer": "segmentation",
    "SegmentationScores": "segmentation",
    "fixed_label_picture": "fixed_answers",
    "fixed_mask": "fixed_answers",
    "l1": "labels",
    "label_scores": "labels",
    "nearest_labels": "labels",
    "picture_label_scores": "labels",
    "segmentation_scores": "segmentation",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Imported when it is first used: torchmetrics brings matplotlib's pyplot and its global state.
        if name in _OF_MODULES:
            return getattr(importlib.import_module(f"{__name__}.{_OF_MODULES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
