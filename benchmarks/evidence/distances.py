"""How far generated pictures as a whole are from true ones: FID and KID, in features of any network.

Published figures are in features of one Inception network. Its weights are not ours to pass on and are never fetched:
whoever has them gives a path. Without them a small random network stands in; its figures compare methods here and are
comparable with nothing published, so the name of the features is part of the name of the score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class FeatureNetwork:
    """Turns pictures into feature vectors.

    Attributes:
        name: Part of the scores' names.
        extract: From ``(batch, 3, height, width)`` in [-1, 1] to ``(batch, features)``.
    """

    name: str
    extract: Callable[[Tensor], Tensor]

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return the features of pictures in float64."""
        with torch.inference_mode():
            return torch.cat([self.extract(part).flatten(1).double() for part in torch.split(pictures, 16)])


def random_features(channels: int = 32) -> FeatureNetwork:
    """Make a random network, always the same: three convolutions that halve the picture, then means and deviations."""
    generator = torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    for c_in, c_out in ((3, channels), (channels, channels), (channels, channels)):
        layer = nn.Conv2d(c_in, c_out, 4, stride=2, padding=1)
        layer.weight.data = torch.randn(layer.weight.shape, generator=generator) / (c_in * 16) ** 0.5
        layer.bias = None
        layers += [layer, nn.LeakyReLU(0.2)]
    network = nn.Sequential(*layers)

    def extract(pictures: Tensor) -> Tensor:
        maps = network(pictures).flatten(2)
        return torch.cat([maps.mean(2), maps.std(2)], dim=1)

    return FeatureNetwork("random features", extract)


def exported_features(path: Path, size: int = 299) -> FeatureNetwork:
    """Load a feature network that ``torch.export`` saved, such as Inception without its last layer.

    Args:
        path: A ``.pt2`` file of a network from ``(batch, 3, size, size)`` in [-1, 1] to ``(batch, features)``.
            Load only what you made yourself.
        size: Side of the pictures that it wants.
    """
    network = torch.export.load(path).module()

    def extract(pictures: Tensor) -> Tensor:
        wanted = nn.functional.interpolate(pictures, (size, size), mode="bilinear", antialias=True)
        features: Tensor = network(wanted)
        return features

    return FeatureNetwork(path.stem, extract)


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Compute the Frechet distance of two Gaussians with the features' means and covariances (Heusel et al. 2017).

    Args:
        first: ``(pictures, features)``, float64, two pictures at least.
        second: Of as many features.

    Example:
        Equal spread, and means 3 apart:

        >>> line = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
        >>> round(frechet_distance(line, line + 3), 6)
        9.0
    """
    means = (first.mean(0) - second.mean(0)).square().sum()
    one, other = (features.T.cov().reshape(features.shape[1], -1) for features in (first, second))
    # The trace of (one @ other) ** 0.5, by the eigenvalues of a symmetric matrix that has the same ones.
    root = _root(one)
    shared = torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()
    return float(means + one.trace() + other.trace() - 2 * shared)


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Estimate the squared maximum mean discrepancy without bias, with KID's kernel (Binkowski et al. 2018).

    The kernel is ``(x . y / features + 1) ** 3``. Around 0 where both come from one distribution, and so below it too.

    Args:
        first: ``(pictures, features)``, float64, two pictures at least.
        second: Of as many features.
    """
    within = [_kernel(features, features) for features in (first, second)]
    means = [(k.sum() - k.trace()) / (len(k) * (len(k) - 1)) for k in within]
    return float(means[0] + means[1] - 2 * _kernel(first, second).mean())


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    kernel: Tensor = (first @ second.T / first.shape[1] + 1) ** 3
    return kernel


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return root
