"""How far a picture is from those that a task learned from, by what the task's own network makes of it."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.model.generator import MultiTaskGenerator

if TYPE_CHECKING:
    from jaxtyping import Float

FEATURES = "features"
"""What the attachment of a task is called that holds this."""
FEWEST = 10
"""Pictures that are needed on either side: of fewer neither a mean nor a threshold says anything."""
FALSE_ALARMS = 0.05
"""Share of pictures like the task's own that are called unlike, in expectation, if there are 19 or more to choose
the threshold by; of fewer the largest distance is the threshold, and one in their number and one is expected."""
_LEAST_SHRINKAGE = 0.01
_LEAST_SCALE = 0.01
_MOST_CHANNELS = 2048


class Bottleneck:
    """What the narrowest convolution made in the last call of a network: of several the last one.

    Example:
        >>> from piggygan.networks import UNetGenerator
        >>> model = MultiTaskGenerator(UNetGenerator(depth=3, width=4), "facades").eval()
        >>> with torch.no_grad(), bottleneck_of(model) as bottleneck:
        ...     _ = model(torch.zeros(2, 3, 16, 16), task="facades")
        >>> tuple(bottleneck.features.shape)
        (2, 16)
    """

    def __init__(self) -> None:
        self._narrowest: Tensor | None = None

    @property
    def features(self) -> Float[Tensor, "batch channels"]:
        """The mean of each channel over all positions."""
        if self._narrowest is None:
            raise InputError("the network was not called, or has no convolution of ours.")
        return self._narrowest.detach().double().flatten(2).mean(-1).cpu()

    def see(self, layer: nn.Module, inputs: Any, made: Tensor) -> None:
        """Look at what a convolution made; this is a hook."""
        del layer, inputs
        if self._narrowest is None or made[0, 0].numel() <= self._narrowest[0, 0].numel():
            self._narrowest = made


@contextmanager
def bottleneck_of(model: MultiTaskGenerator) -> Iterator[Bottleneck]:
    """Watch the convolutions of a model; its outputs stay the same bits."""
    found = Bottleneck()
    with ExitStack() as hooks:
        for layer in model.layers.values():
            if isinstance(layer, PiggybackConvolution):
                hooks.callback(layer.register_forward_hook(found.see).remove)
        yield found


@dataclass(frozen=True)
class Familiarity:
    """What the features of a task's pictures are like: means over pictures, none of a single one.

    Attributes:
        mean: Of each channel.
        scale: Standard deviation of each channel.
        correlation: Between channels, shrunk as by Ledoit and Wolf, "A well-conditioned estimator for large-dimensional
            covariance matrices", J. Multivar. Anal. 88, 2004, theorem 3.
        threshold: The distance from which on a picture is unlike these.
    """

    mean: Float[Tensor, " channels"]
    scale: Float[Tensor, " channels"]
    correlation: Float[Tensor, "channels channels"]
    threshold: float

    @classmethod
    def of(
        cls, learned: Float[Tensor, "pictures channels"], others: Float[Tensor, "others channels"]
    ) -> Familiarity | None:
        """Learn what is familiar.

        Args:
            learned: Features of the pictures that a task learned from.
            others: Of pictures like these, such as the validation side, that the threshold is chosen by.

        Returns:
            None if there are fewer than :data:`FEWEST` of either, or more than 2048 channels, or if a feature is no
            number.

        Example:
            >>> numbers = torch.randn(300, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> found = Familiarity.of(numbers[:200], numbers[200:])
            >>> bool(found.distance(torch.full((4,), 9.0)) > found.threshold > found.distance(numbers[7]))
            True
        """
        learned, others = learned.double(), others.double()
        if min(len(learned), len(others)) < FEWEST or learned.shape[1] > _MOST_CHANNELS:
            return None
        if not bool(learned.isfinite().all() and others.isfinite().all()):
            return None
        mean, deviation = learned.mean(0), learned.std(0)
        least = _LEAST_SCALE * float(deviation.mean())
        scale = deviation.clamp(min=least) if least > 0 else torch.ones_like(deviation)
        correlation = shrunk((learned - mean) / scale)
        found = cls(mean.float(), scale.float(), correlation.float(), 0.0)
        distances = found.distances(others).sort().values
        place = min(len(distances), math.ceil((len(distances) + 1) * (1 - FALSE_ALARMS))) - 1
        return cls(found.mean, found.scale, found.correlation, float(distances[place]))

    def distances(self, features: Float[Tensor, "pictures channels"]) -> Float[Tensor, " pictures"]:
        """Measure how far pictures are: Mahalanobis distance over the root of the number of channels.

        A picture like those that were learned from is at about 1.

        Raises:
            InputError: If there is another number of channels.
        """
        if features.shape[-1] != len(self.mean):
            raise InputError(f"features have {features.shape[-1]} channels; those of the task have {len(self.mean)}.")
        away = (features.double() - self.mean.double()) / self.scale.double()
        solved = torch.cholesky_solve(away.T, self._factor).T
        squared: Tensor = (away * solved).sum(-1) / len(self.mean)
        return squared.clamp(min=0).sqrt()

    @functools.cached_property
    def _factor(self) -> Float[Tensor, "channels channels"]:
        """The Cholesky factor of the correlation, once for all films.

        Raises:
            InputError: If the correlation is none.
        """
        factor: Tensor
        factor, wrong = torch.linalg.cholesky_ex(self.correlation.double())
        if int(wrong):
            raise InputError("the attachment 'features' has correlations that no films have.")
        return factor

    def distance(self, features: Float[Tensor, " channels"]) -> float:
        """Measure how far one picture is."""
        return float(self.distances(features[None])[0])

    def as_tensors(self) -> dict[str, Tensor]:
        """Give it as an attachment keeps it."""
        return {
            "mean": self.mean,
            "scale": self.scale,
            "correlation": self.correlation,
            "threshold": torch.tensor([self.threshold], dtype=torch.float64),
        }

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> Familiarity:
        """Take it from an attachment.

        Raises:
            InputError: If it is none.
        """
        try:
            found = cls(tensors["mean"], tensors["scale"], tensors["correlation"], float(tensors["threshold"]))
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError("the attachment 'features' is not what train keeps of its films.") from error
        channels = len(found.mean) if found.mean.dim() == 1 else 0
        fits = found.scale.shape == (channels,) and found.correlation.shape == (channels, channels)
        if not (channels and fits and bool((found.scale > 0).all()) and found.threshold > 0):
            raise InputError("the attachment 'features' is not what train keeps of its films.")
        _ = found._factor
        return found


def shrunk(centred: Float[Tensor, "pictures channels"]) -> Float[Tensor, "channels channels"]:
    """Estimate a covariance of numbers whose means are 0, shrunk towards a multiple of the unit matrix."""
    count, channels = centred.shape
    unit = torch.eye(channels, dtype=centred.dtype)
    sample = centred.T @ centred / count
    target = sample.trace() / channels * unit
    # The mean over pictures of |x x^T - S|^2 is that of |x|^4 less |S|^2: no matrix for each picture is needed.
    scatter = ((centred.square().sum(1).square().mean() - sample.square().sum()) / count).clamp(min=0)
    apart = (sample - target).square().sum()
    share = float((scatter / apart).clamp(_LEAST_SHRINKAGE, 1.0)) if float(apart) > 0 else 1.0
    found = (1 - share) * sample + share * target
    return found if float(target[0, 0]) > 0 else unit
