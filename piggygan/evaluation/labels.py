"""Scores of predicted label maps (facades): pixel accuracy, class accuracy and class IoU.

The three scores are those of fully convolutional networks (Long, Shelhamer and Darrell, CVPR 2015, section 5),
which pix2pix took over (Isola et al., CVPR 2017). With ``n[i, j]`` the pixels of
class i that were called j, and ``t[i]`` the pixels of class i:

- pixel accuracy: ``sum_i n[i, i] / sum_i t[i]``
- class accuracy: the mean over classes of ``n[i, i] / t[i]``
- class IoU: the mean over classes of ``n[i, i] / (t[i] + sum_j n[j, i] - n[i, i])``

Means go over the classes that occur in the truth of the whole set: the others have no accuracy (0 / 0). A class
that was predicted but never occurs still costs, since its pixels are missing from the class they belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class LabelScores:
    """Scores of label maps, each 0..1, higher is better.

    Example:
        >>> scores = label_scores(torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 1, 1, 1]]]), 2)
        >>> scores.pixel_accuracy, scores.iou_by_class
        (0.75, (0.5, 0.6666666666666666))
    """

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    accuracy_by_class: tuple[float | None, ...]
    """Accuracy of each class in order; None where the class does not occur in the truth."""
    iou_by_class: tuple[float | None, ...]
    """IoU of each class in order; None where the class does not occur in the truth."""

    def as_dict(self) -> dict[str, float]:
        """Give the three scores under their names, for JSON."""
        return {
            "pixel_accuracy": self.pixel_accuracy,
            "class_accuracy": self.class_accuracy,
            "class_iou": self.class_iou,
        }


def label_scores(
    predicted: Int[Tensor, "batch height width"],
    truth: Int[Tensor, "batch height width"],
    classes: int,
) -> LabelScores:
    """Score label maps; :class:`LabelScorer` does the same over several batches.

    Args:
        predicted: Class of each pixel, 0..classes - 1.
        truth: True class of each pixel.
        classes: Number of classes.

    Raises:
        InputError: If the shapes differ, a class is out of range, or there is no pixel.
        ConfigurationError: If there are no classes.

    Example:
        Class 0 is right on 1 of 2 pixels, class 1 on 2 of 2, class 2 does not occur:

        >>> truth = torch.tensor([[[0, 0, 1, 1]]])
        >>> predicted = torch.tensor([[[0, 1, 1, 1]]])
        >>> scores = label_scores(predicted, truth, classes=3)
        >>> scores.pixel_accuracy, scores.class_accuracy, scores.accuracy_by_class
        (0.75, 0.75, (0.5, 1.0, None))
        >>> round(scores.class_iou, 4)  # (1/2 + 2/3) / 2
        0.5833
    """
    scorer = LabelScorer(classes)
    scorer.update(predicted, truth)
    return scorer.compute()


class LabelScorer:
    """Gathers a confusion matrix over batches of label maps, then scores it.

    Args:
        classes: Number of classes, at least 1.

    Raises:
        ConfigurationError: If there are no classes.

    Example:
        >>> scorer = LabelScorer(2)
        >>> scorer.update(torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 1, 1, 1]]]))
        >>> scorer.update(torch.tensor([[[1, 1, 1, 1]]]), torch.tensor([[[1, 1, 1, 1]]]))
        >>> scorer.compute().pixel_accuracy
        0.875
    """

    def __init__(self, classes: int) -> None:
        if classes < 1:
            raise ConfigurationError(f"`classes` is {classes}, but label maps need at least 1 class")
        self._confusion = torch.zeros(classes, classes, dtype=torch.int64, device="cpu")

    @property
    def confusion(self) -> Int[Tensor, "classes classes"]:
        """Pixels so far: row the true class, column the predicted one. A copy, on the CPU."""
        return self._confusion.clone()

    def update(
        self,
        predicted: Int[Tensor, "batch height width"],
        truth: Int[Tensor, "batch height width"],
    ) -> None:
        """Add a batch; arguments are those of :func:`label_scores`. A refused batch adds nothing.

        Raises:
            InputError: If the two differ in shape, or hold something that is no class.
        """
        classes = len(self._confusion)
        if predicted.shape != truth.shape or predicted.ndim != 3:
            raise InputError(
                f"predicted {tuple(predicted.shape)} and truth {tuple(truth.shape)} must both be (batch, height, width)"
            )
        _check_labels("predicted", predicted, classes)
        _check_labels("truth", truth, classes)
        # Imported here: it brings matplotlib's pyplot and its global state.
        from torchmetrics.functional.classification import multiclass_confusion_matrix

        matrix = multiclass_confusion_matrix(predicted.long(), truth.long(), num_classes=classes, validate_args=False)
        self._confusion += matrix.cpu()

    def compute(self) -> LabelScores:
        """Score every pixel added so far.

        Raises:
            InputError: If no pixel was added yet.
        """
        return scores_of_confusion(self._confusion)


def scores_of_confusion(confusion: Int[Tensor, "classes classes"]) -> LabelScores:
    """Score a confusion matrix: row the true class, column the predicted one.

    Raises:
        InputError: If there is no pixel in it.

    Example:
        >>> scores_of_confusion(torch.tensor([[1, 1], [0, 2]])).pixel_accuracy
        0.75
    """
    if not bool(confusion.any()):
        raise InputError("there is no pixel to score: add at least one label map")
    n = confusion.double()
    right, truth, found = n.diagonal(), n.sum(dim=1), n.sum(dim=0)
    occurs = truth > 0
    accuracy, iou = right / truth, right / (truth + found - right)  # NaN where a class does not occur
    return LabelScores(
        pixel_accuracy=(right.sum() / truth.sum()).item(),
        class_accuracy=accuracy[occurs].mean().item(),
        class_iou=iou[occurs].mean().item(),
        accuracy_by_class=_known(accuracy, occurs),
        iou_by_class=_known(iou, occurs),
    )


def nearest_labels(
    pictures: Float[Tensor, "batch 3 height width"],
    palette: Sequence[Sequence[int]] | Tensor,
) -> Int[Tensor, "batch height width"]:
    """Give each pixel the class whose colour is nearest to it (Euclidean in RGB).

    Of two colours equally near, the class that stands first in the palette is taken.

    Args:
        pictures: RGB in [-1, 1].
        palette: One colour a class, ``(classes, 3)``, in 0..255, no two the same.

    Raises:
        InputError: If the pictures are not ``(batch, 3, height, width)``, or not numbers in [-1, 1].
        ConfigurationError: If the palette is not ``(classes, 3)`` in 0..255, or names a colour twice.

    Example:
        >>> palette = [[0, 0, 0], [255, 0, 0]]
        >>> pictures = torch.tensor([-0.9, -1.0, -1.0, 0.8, -0.7, -1.0]).reshape(1, 2, 3).mT[..., None]
        >>> nearest_labels(pictures, palette).flatten().tolist()
        [0, 1]
    """
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise InputError(f"pictures are {tuple(pictures.shape)}, but must be (batch, 3, height, width)")
    if not bool(((pictures >= -1) & (pictures <= 1)).all()):  # false for NaN too
        raise InputError("pictures must be numbers in [-1, 1]: some pixels are outside it or are not numbers")
    colours = _checked_palette(palette).to(pictures.device)
    levels = (pictures.float() + 1) * 127.5  # (batch, 3, height, width), 0..255
    nearest = torch.full_like(levels[:, 0], torch.inf)
    labels = torch.zeros_like(nearest, dtype=torch.int64)
    # One class at a time: memory stays that of a picture, and `<` settles ties the same way on every device.
    for label, colour in enumerate(colours):
        distance = (levels - colour[:, None, None]).square().sum(dim=1)
        closer = distance < nearest
        labels[closer] = label
        nearest = torch.where(closer, distance, nearest)
    return labels


def picture_label_scores(
    outputs: Float[Tensor, "batch 3 height width"],
    targets: Float[Tensor, "batch 3 height width"],
    palette: Sequence[Sequence[int]] | Tensor,
) -> LabelScores:
    """Score pictures of label maps: both sides are decoded by :func:`nearest_labels`, then compared.

    Args:
        outputs: What the generator gave, RGB in [-1, 1].
        targets: True pictures, RGB in [-1, 1].
        palette: One colour a class, ``(classes, 3)``, in 0..255.

    Raises:
        InputError: If the shapes differ or the pictures are not in [-1, 1].
        ConfigurationError: If the palette cannot be used.

    Example:
        >>> black, white = torch.full((1, 3, 4, 4), -1.0), torch.full((1, 3, 4, 4), 1.0)
        >>> half = torch.cat([black[..., :2], white[..., :2]], dim=-1)
        >>> picture_label_scores(half, white, [(0, 0, 0), (255, 255, 255)]).pixel_accuracy
        0.5
    """
    return label_scores(nearest_labels(outputs, palette), nearest_labels(targets, palette), len(palette))


def l1(outputs: Float[Tensor, "*shape"], targets: Float[Tensor, "*shape"]) -> float:
    """Average the absolute difference of two batches of pictures over everything, in float64.

    In [-1, 1] it lies in 0..2, lower is better; halve it for the scale 0..1.

    Raises:
        InputError: If the shapes differ or there is nothing to compare.

    Example:
        >>> l1(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.5, -1.0]]))
        0.25
    """
    if outputs.shape != targets.shape or outputs.numel() == 0:
        raise InputError(
            f"outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)} must have one shape, with pixels"
        )
    return (outputs.double() - targets.double()).abs().mean().item()


def _check_labels(side: str, labels: Tensor, classes: int) -> None:
    if labels.dtype.is_floating_point or labels.dtype.is_complex or labels.dtype == torch.bool:
        raise InputError(f"{side} has type {labels.dtype}, but label maps hold integers")
    if labels.numel() and (labels.min() < 0 or labels.max() >= classes):
        raise InputError(
            f"{side} has labels from {labels.min().item()} to {labels.max().item()}, "
            f"but {classes} classes are numbered 0 to {classes - 1}"
        )


def _checked_palette(palette: Sequence[Sequence[int]] | Tensor) -> Float[Tensor, "classes 3"]:
    colours = torch.as_tensor(palette, dtype=torch.float32)
    if colours.ndim != 2 or colours.shape[1] != 3 or len(colours) == 0:
        raise ConfigurationError(f"the palette is {tuple(colours.shape)}, but must be (classes, 3)")
    if not bool(((colours >= 0) & (colours <= 255)).all()):
        raise ConfigurationError("the palette has values outside 0..255")
    if len({tuple(colour) for colour in colours.tolist()}) != len(colours):
        raise ConfigurationError("the palette names a colour twice: pixels could not be told apart")
    return colours


def _known(values: Float[Tensor, " classes"], occurs: Tensor) -> tuple[float | None, ...]:
    return tuple(value if known else None for value, known in zip(values.tolist(), occurs.tolist(), strict=True))
