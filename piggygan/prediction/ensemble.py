"""Ensemble: the members of an ensemble, or one task, ready to translate together; and what they think of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from piggygan.data.framing import Placement
from piggygan.errors import ConfigurationError
from piggygan.evaluation.doubt import disagreement, expected_dice, spread
from piggygan.evaluation.temperature import CALIBRATION, probabilities_of, temperature_of
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.kept import Kept
from piggygan.prediction.options import Kind, PredictionOptions
from piggygan.prediction.translator import Translator

if TYPE_CHECKING:
    from jaxtyping import Float


class Pooled(NamedTuple):
    """What was made of one canvas.

    Attributes:
        output: The mean of the members' outputs, ``(channels, height, width)``; of one task its output, to the bit.
        spread: Of the members at each pixel, ``(1, height, width)``, 0..1; None of one task.
        disagreement: Of their masks, 0..1; None of one task, or of pictures.
        probability: Of foreground, ``(1, height, width)``; None if they are not calibrated, or make pictures.
        expected_dice: Of the mask, 0..1; None likewise.
    """

    output: Tensor
    spread: Tensor | None = None
    disagreement: float | None = None
    probability: Tensor | None = None
    expected_dice: float | None = None


class Ensemble:
    """Tasks that translate the same canvases.

    The mean is taken of outputs in [-1, 1], before the threshold and before any calibration. So a mask is where the
    members' mean probability is above a half, each counting by how sure it is; the same holds of pictures; and masks do
    not depend on temperatures, which only say how sure to be of them.

    Args:
        model: Has the tasks.
        tasks: Names of the members, or of one task.
        options: How they are applied.
        temperatures: Of each; None: they are not calibrated.

    Raises:
        TaskNotFoundError, ConfigurationError: As of :class:`~piggygan.prediction.translator.Translator`.
    """

    def __init__(
        self,
        model: MultiTaskGenerator,
        tasks: Sequence[str],
        options: PredictionOptions,
        temperatures: Sequence[float] | None = None,
    ) -> None:
        self._members = [Translator(model, task, options) for task in tasks]
        self._first = self._members[0]
        self._temperatures = temperatures

    @property
    def in_channels(self) -> int:
        """Channels of a picture that they take."""
        return self._first.in_channels

    @property
    def kind(self) -> Kind:
        """What they make."""
        return self._first.kind

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._members)

    @property
    def is_calibrated(self) -> bool:
        """Whether it is known how sure to be of a mask."""
        return self._temperatures is not None and self._first.out_channels == 1

    def check_channels(self) -> None:
        """Make sure that they take and make pictures or masks.

        Raises:
            ConfigurationError: As of :meth:`piggygan.prediction.translator.Translator.check_channels`.
        """
        for member in self._members:
            member.check_channels()

    def placement(self, rows: int, columns: int, aspect: float = 1.0) -> Placement:
        """Say how a picture comes to the networks; ``aspect`` is the height of a pixel, its width being 1."""
        return self._first.placement(rows, columns, aspect)

    def __call__(self, canvases: Sequence[Float[Tensor, "channels height width"]]) -> list[Pooled]:
        """Translate canvases by each member, one member after another, and pool what they give.

        Raises:
            InputError: If a canvas has another number of channels than the tasks take.
        """
        of_members = [member(canvases) for member in self._members]
        return [self._pooled(outputs) for outputs in zip(*of_members, strict=True)]

    def _pooled(self, outputs: Sequence[Tensor]) -> Pooled:
        first = outputs[0]
        if not all(bool(output.isfinite().all()) for output in outputs):
            return Pooled(torch.full_like(first, torch.nan))
        stacked = torch.stack(list(outputs))
        found = Pooled(first)
        if len(outputs) > 1:
            found = Pooled(stacked.double().mean(0).float(), spread(stacked))
        if len(first) != 1:
            return found
        if len(outputs) > 1:
            found = found._replace(disagreement=disagreement(stacked[:, 0] > 0))
        if self._temperatures is None:
            return found
        calibrated = [probabilities_of(one, t) for one, t in zip(outputs, self._temperatures, strict=True)]
        probability = torch.stack(calibrated).mean(0)
        score = expected_dice(probability, found.output > 0)
        return found._replace(probability=probability.float(), expected_dice=score)


def temperatures_of(registry: Kept, tasks: Sequence[str], network: str | None = None) -> list[float] | None:
    """Read the temperatures of tasks; None if one of them has none, or what is asked for is the way back.

    Raises:
        InputError, CorruptFileError: If one cannot be used.
    """
    if network == "backward" or any(CALIBRATION not in registry.describe(task).attachments for task in tasks):
        return None
    return [temperature_of(registry.attachment(task, CALIBRATION)) for task in tasks]


def certificate_of(digests: Sequence[str]) -> str:
    """Give one digest for several tasks: that of one, or the SHA-256 of all of them, a line each in their order.

    Example:
        >>> certificate_of(["9f86d081"])
        '9f86d081'
    """
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def trained_size(registry: Kept, tasks: Sequence[str]) -> int | None:
    """Return the side of the pictures that tasks were trained on; None: nobody said.

    Raises:
        ConfigurationError: If members of an ensemble were trained on pictures of several sizes.
    """
    sizes = {task: registry.describe(task).image_size for task in tasks}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{task} at {size}" for task, size in sizes.items())
        raise ConfigurationError(
            f"the members were trained at several sizes ({listed}), so there is no mean of them: predict by one member."
        )
    return next(iter(sizes.values()))
