"""What one output scores against its target, by what a task makes: masks, label pictures, or other pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.labels import LabelScorer, nearest_labels, scores_of_confusion
from piggygan.evaluation.segmentation import count_pixels, scores_of_counts
from piggygan.evaluation.similarity import similarity
from piggygan.evaluation.surfaces import surface_scores
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.results import hard_mask

if TYPE_CHECKING:
    from jaxtyping import Float, Int

Unit = Literal["mm", "pixels"]
Scores = dict[str, float | None]
"""By name; None where a score is not defined."""

TOLERANCE_MM = 2.0
TOLERANCE_SHARE = 0.005
"""Of a picture's diagonal, where nobody knows how large a pixel is: 1.8 pixels of 256 x 256."""


class Score(NamedTuple):
    """What a score is called, whether a higher one is better, and the digits behind its point that are shown."""

    label: str
    higher_is_better: bool
    digits: int


SCORES: Mapping[str, Score] = {
    "dice": Score("Dice", True, 3),
    "iou": Score("IoU", True, 3),
    "accuracy": Score("accuracy", True, 3),
    "precision": Score("precision", True, 3),
    "recall": Score("recall", True, 3),
    "hd95": Score("HD95", False, 2),
    "assd": Score("ASSD", False, 2),
    "nsd": Score("NSD", True, 3),
    "pixel_accuracy": Score("pixel accuracy", True, 3),
    "class_accuracy": Score("class accuracy", True, 3),
    "class_iou": Score("class IoU", True, 3),
    "l1": Score("L1", False, 3),
    "psnr": Score("PSNR", True, 2),
    "ssim": Score("SSIM", True, 3),
}
_AGREEMENT = 0.7
DISTANCES = ("hd95", "assd")
"""Those with a unit."""


def score_of(name: str) -> Score:
    """Look up a score; that of one class of several, such as "dice lungs", is called by both."""
    score, _, part = name.partition(" ")
    return SCORES[score]._replace(label=f"{SCORES[score].label}, {part}") if part else SCORES[score]


@dataclass(frozen=True)
class Measure:
    """In what distances between outlines are measured.

    Attributes:
        unit: Of all distances of an evaluation: they are averaged.
        spacings: Height and width of a pixel by the names of cases; empty in pixels.
        tolerance: Of NSD, in the unit; None: 2 mm, or 0.5 % of each picture's diagonal in pixels.
    """

    unit: Unit
    spacings: Mapping[str, tuple[float, float]]
    tolerance: float | None = None

    def spacing(self, name: str) -> tuple[float, float]:
        """Say how large a pixel of a case is."""
        return self.spacings[name] if self.unit == "mm" else (1.0, 1.0)

    def tolerance_of(self, rows: int, columns: int) -> float:
        """Say how far an outline may be off in a picture of that size."""
        if self.tolerance is not None:
            return self.tolerance
        return TOLERANCE_MM if self.unit == "mm" else TOLERANCE_SHARE * math.hypot(rows, columns)

    @property
    def stated(self) -> str:
        """The tolerance in words."""
        if self.tolerance is None and self.unit == "pixels":
            return f"{TOLERANCE_SHARE:.1%} of the picture's diagonal"
        return f"{TOLERANCE_MM if self.tolerance is None else self.tolerance:g} {self.unit}"


class Scored(NamedTuple):
    """One output against its target.

    Attributes:
        scores: By name.
        pixels: What the scores of all cases together are made of: added up over cases. Counts of each class of masks,
            ``(classes, 4)``, or a confusion matrix of labels, or nothing.
    """

    scores: Scores
    pixels: Tensor


class Scoring(Protocol):
    """Scores one case, and all cases together."""

    headline: str
    """The score that cases are ordered by."""

    def score(self, name: str, output: Tensor, target: Tensor) -> Scored:
        """Score an output in [-1, 1] against a target of its shape, ``(channels, rows, columns)``.

        Raises:
            InputError: If it cannot be compared.
        """

    def pooled(self, pixels: Tensor) -> dict[str, float]:
        """Score all pixels of all cases as if they were of one picture."""


class MaskScoring:
    """Scores masks, made hard as prediction does it; of several classes each, and their mean.

    Args:
        options: How masks are made hard.
        measure: In what distances are measured.
        classes: What each channel is; empty for one.
    """

    headline = "dice"

    def __init__(self, options: PredictionOptions, measure: Measure, classes: Sequence[str] = ()) -> None:
        self._options = options
        self._measure = measure
        self._classes = tuple(classes)

    def score(self, name: str, output: Tensor, target: Tensor) -> Scored:
        """Score one case."""
        _check_shapes(output, target)
        found = [self._of_mask(name, output[n : n + 1], target[n : n + 1]) for n in range(len(target))]
        pixels, scores = torch.stack([counts for counts, _ in found]), [one for _, one in found]
        if len(scores) == 1:
            return Scored({**scores[0]}, pixels)
        if len(self._classes) != len(scores):
            raise InputError(f"{name!r} has masks of {len(scores)} classes; {len(self._classes)} are named")
        mean = {key: fmean(one[key] for one in scores) for key in scores[0]}
        parts = {f"{key} {part}": one[key] for part, one in zip(self._classes, scores, strict=True) for key in one}
        return Scored({**mean, **parts}, pixels)

    def pooled(self, pixels: Int[Tensor, "classes 4"]) -> dict[str, float]:
        """Score the pixels of all masks together, class by class, and average over classes."""
        by_class = [asdict(scores_of_counts(counts[None]).pooled) for counts in pixels]
        return {key: fmean(one[key] for one in by_class) for key in by_class[0]}

    def hard(self, output: Float[Tensor, "channels rows columns"]) -> Float[Tensor, "channels rows columns"]:
        """Decide which pixels are foreground: -1 and 1."""
        masks = [torch.from_numpy(hard_mask(soft[None], self._options)) for soft in output]
        return torch.where(torch.stack(masks), 1.0, -1.0)

    def _of_mask(self, name: str, output: Tensor, target: Tensor) -> tuple[Tensor, dict[str, float]]:
        found = self.hard(output)
        counts = count_pixels(found[None], target[None])[0]
        rows, columns = target.shape[-2:]
        outlines = surface_scores(
            (found[0] > 0).numpy(),
            (target[0] > 0).numpy(),
            tolerance=self._measure.tolerance_of(rows, columns),
            spacing=self._measure.spacing(name),
        )
        scores = asdict(scores_of_counts(counts[None]).mean_over_images)
        return counts, {**scores, "hd95": outlines.hd95, "assd": outlines.assd, "nsd": outlines.nsd}


class PictureScoring:
    """Scores pictures; where the colours of classes are known, label scores come first.

    Args:
        palette: One colour a class, 0..255; None: the pictures are no labels.
    """

    def __init__(self, palette: Sequence[Sequence[int]] | None = None) -> None:
        self._palette = palette
        self.headline = "l1" if palette is None else "pixel_accuracy"

    def score(self, name: str, output: Tensor, target: Tensor) -> Scored:  # noqa: ARG002  # masks need the name
        """Score one case."""
        _check_shapes(output, target)
        pictures: Scores = {**asdict(similarity(output, target))}
        if self._palette is None:
            return Scored(pictures, torch.zeros(0))
        labels = LabelScorer(len(self._palette))
        labels.update(*(nearest_labels(picture[None], self._palette) for picture in (output, target)))
        return Scored({**labels.compute().as_dict(), **pictures}, labels.confusion)

    def pooled(self, pixels: Tensor) -> dict[str, float]:
        """Score the labels of all pixels; of other pictures there are means only."""
        return {} if self._palette is None else {**scores_of_confusion(pixels).as_dict()}


def is_one_sided(pixels: Int[Tensor, "classes 4"]) -> bool:
    """Say whether a mask of any class is empty while its target is not, or the other way round.

    Example:
        >>> is_one_sided(torch.tensor([[0, 0, 5, 9]])), is_one_sided(torch.tensor([[0, 0, 0, 9]]))
        (True, False)
    """
    found, true = pixels[:, 0] + pixels[:, 1] > 0, pixels[:, 0] + pixels[:, 2] > 0
    return bool((found != true).any())


def look_inverted(pixels: Int[Tensor, "classes 4"]) -> bool:
    """Say whether outputs agree with the inverse of their masks better than with the masks, and well.

    Example:
        >>> look_inverted(torch.tensor([[1, 40, 50, 3]])), look_inverted(torch.tensor([[40, 1, 3, 50]]))
        (True, False)
    """
    tp, fp, fn, tn = pixels.sum(0).double().tolist()
    as_they_are, inverted = 2 * tp / max(1, 2 * tp + fp + fn), 2 * fp / max(1, 2 * fp + tp + tn)
    return bool(inverted > max(as_they_are, _AGREEMENT))


def _check_shapes(output: Tensor, target: Tensor) -> None:
    if output.shape != target.shape:
        raise InputError(
            f"the task makes {tuple(output.shape)} (channels, rows, columns) and the target is {tuple(target.shape)}: "
            f"is this data of another task?"
        )


def checked_tolerance(tolerance: float | None) -> float | None:
    """Refuse what is no distance.

    Raises:
        ConfigurationError: If it is below 0 or no number.
    """
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0):
        raise ConfigurationError(f"tolerance is {tolerance}; needed is a distance, 0 or more.")
    return tolerance
