"""FID and KID against closed forms, and against the published definitions written out."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.evidence.distances import (
    FeatureNetwork,
    exported_features,
    frechet_distance,
    kernel_distance,
    random_features,
)

DRAW = np.random.default_rng(0)


def test_of_diagonal_gaussians_the_distance_is_the_sum_over_axes() -> None:
    first, second = (torch.from_numpy(DRAW.normal(size=(40, 3)) * [1.0, 2.0, 0.5]) for _ in range(2))
    first, second = (features - features.mean(0) for features in (first, second))
    whitened = [features @ torch.linalg.inv(torch.linalg.cholesky(features.T.cov())).T for features in (first, second)]
    one, other = whitened[0] * torch.tensor([1.0, 2.0, 3.0]), whitened[1] * torch.tensor([2.0, 2.0, 1.0]) + 1.5
    expected = 3 * 1.5**2 + (1 - 2) ** 2 + (2 - 2) ** 2 + (3 - 1) ** 2
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)


def test_of_correlated_gaussians_it_is_that_of_scipys_matrix_root() -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg", reason="scipy is not installed")
    first, second = (torch.from_numpy(DRAW.normal(size=(60, 4)) @ DRAW.normal(size=(4, 4))) for _ in range(2))
    one, other = (np.cov(features.numpy(), rowvar=False) for features in (first, second))
    root = scipy_linalg.sqrtm(one @ other).real
    expected = ((first - second).mean(0) ** 2).sum().item() + np.trace(one + other - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)


def test_the_distance_to_itself_is_nothing() -> None:
    features = torch.from_numpy(DRAW.normal(size=(30, 5)))
    assert abs(frechet_distance(features, features)) < 1e-9


def test_the_kernel_distance_is_the_estimator_written_out_pair_by_pair() -> None:
    first, second = DRAW.normal(size=(5, 3)), DRAW.normal(size=(4, 3)) + 1.0

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 3 + 1) ** 3)

    within_first = np.mean([kernel(first[i], first[j]) for i in range(5) for j in range(5) if i != j])
    within_second = np.mean([kernel(second[i], second[j]) for i in range(4) for j in range(4) if i != j])
    between = np.mean([kernel(x, y) for x in first for y in second])
    found = kernel_distance(torch.from_numpy(first), torch.from_numpy(second))
    assert found == pytest.approx(within_first + within_second - 2 * between, rel=1e-12)


def test_the_random_network_is_always_the_same_and_says_so_in_its_name() -> None:
    pictures = torch.rand(3, 3, 32, 32) * 2 - 1
    state = torch.get_rng_state()
    first, second = random_features(), random_features()
    assert torch.equal(torch.get_rng_state(), state) or first(pictures).shape == (3, 64)
    assert torch.equal(first(pictures), second(pictures))
    assert first.name == "random features"


def test_any_exported_network_can_be_plugged_in(tmp_path) -> None:
    class Means(nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures.mean((2, 3))

    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(Means(), (torch.zeros(2, 3, 8, 8),), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "means.pt2")
    features: FeatureNetwork = exported_features(tmp_path / "means.pt2", size=8)
    pictures = torch.rand(3, 3, 8, 8)
    torch.testing.assert_close(features(pictures), pictures.mean((2, 3)).double())
    assert features.name == "means"
