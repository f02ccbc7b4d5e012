"""The scores of a task's kind over one of its sides, and the digest of the outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from piggygan.data.batches import batches
from piggygan.data.pairs import PairDataset
from piggygan.data.unpaired import UnpairedDataset
from piggygan.evaluation.segmentation import SegmentationScorer
from piggygan.evaluation.similarity import Similarity, similarity
from piggygan.jobs.data import TaskData
from piggygan.jobs.training.learner import BACKWARD, Learner
from piggygan.training.objectives.losses import l1_loss

Better = Literal["higher", "lower"]
HEADLINES: dict[str, tuple[str, Better]] = {
    "masks": ("dice", "higher"),
    "pairs": ("l1", "lower"),
    "unpaired": ("cycle_l1", "lower"),
}
"""The score that a kind is judged by, and whether more of it is better."""


@dataclass(frozen=True)
class Scored:
    """What a side came to.

    Attributes:
        scores: By name. Masks: those of :class:`~piggygan.evaluation.segmentation.SegmentationScores`, over all
            classes and images. Pairs: ``l1`` in 0..2, ``psnr`` in dB, ``ssim`` up to 1. Of two
            networks also ``cycle_l1``, what is lost on the way there and back, which does not say how good a picture
            is, and where pairs are known what the way back makes of targets: ``backward_l1``, ``backward_psnr`` and
            ``backward_ssim``. Unpaired: ``cycle_l1``, and of masks ``area_ratio``, the mean area of those that were
            made over that of real ones: 1 does not say that they are right, but far from 1 they are not.
        outputs: SHA-256 of the bytes of all outputs in order, of the way back too where that is scored.
    """

    scores: dict[str, float]
    outputs: str


class _Scorer(Protocol):
    def update(self, outputs: Tensor, targets: Tensor) -> None: ...

    def scores(self) -> dict[str, float]: ...


def headline(kind: str, scores: dict[str, float]) -> float:
    """Return the score that a kind is judged by, turned so that more is better.

    Example:
        >>> headline("masks", {"dice": 0.9}), headline("pairs", {"l1": 0.25})
        (0.9, -0.25)
    """
    name, better = HEADLINES[kind]
    return scores[name] if better == "higher" else -scores[name]


def brief(scores: dict[str, float]) -> str:
    """Say scores on one line, without those that are pooled.

    Example:
        >>> brief({"dice": 0.912345, "dice_pooled": 0.93})
        'dice 0.9123'
    """
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items() if not name.endswith("_pooled"))


def score_side(learner: Learner, data: TaskData, side: PairDataset | UnpairedDataset, batch_size: int) -> Scored:
    """Translate a side in evaluation mode and score it.

    Args:
        learner: The networks; they stay in evaluation mode.
        data: Says of what kind the side is.
        side: The pairs.
        batch_size: How many at once; an output does not depend on what else is in its batch, but its last bits may.
    """
    for model in learner.models.values():
        model.eval()
    scorers = _scorers(data, goes_back=BACKWARD in learner.models)
    digest = hashlib.sha256()
    with torch.inference_mode():
        for inputs, targets in _pairs(side, batch_size):
            outputs = learner.translate(inputs)
            _digest(outputs, digest)
            if "there" in scorers:
                scorers["there"].update(outputs, targets)
            if "and_back" in scorers:
                scorers["and_back"].update(learner.translate_back(outputs), inputs)
            if "backward" in scorers:
                made = learner.translate_back(targets)
                scorers["backward"].update(made, inputs)
                _digest(made, digest)
    found: dict[str, float] = {}
    for way, scorer in scorers.items():
        prefix = "backward_" if way == "backward" else ""
        found |= {f"{prefix}{name}": value for name, value in scorer.scores().items()}
    return Scored(found, digest.hexdigest())


def _scorers(data: TaskData, *, goes_back: bool) -> dict[str, _Scorer]:
    """Choose what judges the way there, the way there and back, and the way back alone."""
    found: dict[str, _Scorer] = {}
    if data.kind != "unpaired":
        found["there"] = _Masks() if data.kind == "masks" else _Pictures()
    elif data.targets_are_masks:
        found["there"] = _Areas()
    if goes_back or data.kind == "unpaired":
        found["and_back"] = _ThereAndBack()
    if goes_back and data.kind != "unpaired":
        found["backward"] = _Pictures()
    return found


def _digest(outputs: Tensor, digest: Any) -> None:
    digest.update(outputs.cpu().contiguous().numpy().tobytes())


class _Masks:
    def __init__(self) -> None:
        self._scorer = SegmentationScorer()

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        # Each class is a mask of its own.
        found, true = (part.flatten(0, 1)[:, None] for part in (outputs.float().clamp(-1, 1), targets))
        self._scorer.update(found, true.to(found.device))

    def scores(self) -> dict[str, float]:
        return {name: value for name, value in self._scorer.compute().as_dict().items() if name != "images"}


class _Areas:
    def __init__(self) -> None:
        self._made: list[float] = []
        self._real: list[float] = []

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self._made += (outputs > 0).float().mean((1, 2, 3)).tolist()
        self._real += (targets > 0).float().mean((1, 2, 3)).tolist()

    def scores(self) -> dict[str, float]:
        return {"area_ratio": sum(self._made) / sum(self._real)} if sum(self._real) else {}


class _Pictures:
    def __init__(self) -> None:
        self._found: list[Similarity] = []

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        pairs = zip(outputs.float().clamp(-1, 1), targets.to(outputs.device), strict=True)
        self._found += [similarity(output, target) for output, target in pairs]

    def scores(self) -> dict[str, float]:
        columns = {"l1": [one.l1 for one in self._found], "psnr": [one.psnr for one in self._found]}
        columns["ssim"] = [one.ssim for one in self._found if one.ssim is not None]
        return {name: sum(values) / len(values) for name, values in columns.items() if values}


class _ThereAndBack:
    def __init__(self) -> None:
        self._found: list[Tensor] = []

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        pairs = zip(outputs, targets.to(outputs.device), strict=True)
        self._found += [l1_loss(output, target).cpu() for output, target in pairs]

    def scores(self) -> dict[str, float]:
        return {"cycle_l1": float(torch.stack(self._found).mean())}


def _pairs(side: PairDataset | UnpairedDataset, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    side.set_epoch(0)
    for batch in batches(side, batch_size, shuffle=False):
        yield batch.input, batch.target
