"""Likeness: whether films are like those that their task was trained on, and if not, which task's they are like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from piggygan.evaluation.familiarity import FEATURES, Bottleneck, Familiarity, bottleneck_of
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.findings import Finding
from piggygan.prediction.kept import Kept
from piggygan.prediction.options import PredictionOptions
from piggygan.registry import TaskRecord

DISTANCE, THRESHOLD, UNLIKE = "distance", "distance_threshold", "unlike"
"""Names of the findings: how far, from where on a film is unlike, and whether this one is."""


class Likeness:
    """What is known of the films that a task was trained on.

    Args:
        registry: Holds the task, and others.
        task: The task, which has features.
        model: Predicts.
        options: At the size that the task was trained at, and stretched, as its films were.
        network: Which of several networks.
    """

    def __init__(
        self,
        registry: Kept,
        task: str,
        model: MultiTaskGenerator,
        options: PredictionOptions,
        network: str | None = None,
    ) -> None:
        self._registry, self._model = registry, model
        self._options, self._network = options, network
        self._called = _called(registry.describe(task))
        self._familiar = Familiarity.of_tensors(registry.attachment(task, FEATURES))
        self._others: dict[str, Familiarity] | None = None
        self._model_of_others: MultiTaskGenerator | None = None

    @classmethod
    def known(
        cls,
        registry: Kept,
        task: str,
        model: MultiTaskGenerator,
        options: PredictionOptions,
        network: str | None = None,
    ) -> Likeness | None:
        """Return what is known; None if nothing is, or if films come to the network otherwise than in training."""
        record = registry.describe(task)
        as_trained = options.fit == "stretch" and options.size == record.image_size
        if FEATURES not in record.attachments or not as_trained or network == "backward":
            return None
        return cls(registry, task, model, options, network)

    @contextmanager
    def watching(self) -> Iterator[Bottleneck]:
        """Watch what the network makes of films."""
        with bottleneck_of(self._model) as bottleneck:
            yield bottleneck

    def findings(self, canvas: Tensor, features: Tensor) -> tuple[Finding, ...]:
        """Say how far a film is from those of training.

        Args:
            canvas: The film, as the network got it.
            features: What :class:`~piggygan.evaluation.familiarity.Bottleneck` saw of it.
        """
        distance, threshold = self._familiar.distance(features), self._familiar.threshold
        is_unlike = not distance <= threshold  # a distance that is no number is unlike too
        says = self._said(canvas, distance) if is_unlike else ""
        kept = _short(distance) if torch.isfinite(torch.tensor(distance)) else None
        return Finding(DISTANCE, kept), Finding(THRESHOLD, _short(threshold)), Finding(UNLIKE, is_unlike, says)

    def _said(self, canvas: Tensor, distance: float) -> str:
        said = f"unlike: {distance:.3g} (threshold {self._familiar.threshold:.3g})"
        others = self._distances_to_others(canvas)
        if not others:
            return f"{said}: the film is unlike those that task {self._called!r} was trained on."
        name = min(others, key=lambda task: others[task])
        like = f"like those of task {name!r}" if others[name] <= 1 else f"nearest, though unlike, those of {name!r}"
        return f"{said}: the film is unlike those that task {self._called!r} was trained on; it is {like}."

    def _distances_to_others(self, canvas: Tensor) -> dict[str, float]:
        """Measure a film by the networks of other tasks, as shares of their thresholds."""
        found: dict[str, float] = {}
        model, others = self._loaded_others()
        for task, familiar in others.items():
            if model is None or model.input_channels(task) != canvas.shape[0]:
                continue
            with torch.inference_mode(), bottleneck_of(model) as bottleneck:
                model(canvas[None].to(self._options.device), task=task)
                features = bottleneck.features[0]
            if len(features) == len(familiar.mean):
                found[task] = familiar.distance(features) / familiar.threshold
        return found

    def _loaded_others(self) -> tuple[MultiTaskGenerator | None, dict[str, Familiarity]]:
        """Load other tasks when the first film asks for them: most runs never do."""
        if self._others is None:
            names = [
                record.name
                for record in self._registry.records
                if FEATURES in record.attachments
                and _called(record) != self._called  # a film that is like those of another member is like these
                and record.image_size == self._options.size
                and not self._registry.needs_generator
            ]
            self._others = {name: Familiarity.of_tensors(self._registry.attachment(name, FEATURES)) for name in names}
            if names:
                loaded = self._registry.load(names, network=self._network)
                self._model_of_others = loaded.to(self._options.device).eval()
        return self._model_of_others, self._others


def _called(record: TaskRecord) -> str:
    """Return what a person calls a task: the ensemble that it is a member of, or its name."""
    return record.name if record.member is None else record.member.group


def _short(number: float) -> float:
    """Keep four digits: the last bits depend on the machine."""
    return float(f"{number:.4g}")
