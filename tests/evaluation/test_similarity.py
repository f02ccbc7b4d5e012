"""PSNR and SSIM, against their formulas written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from piggygan.errors import InputError
from piggygan.evaluation.similarity import HIGHEST_PSNR, similarity


def pictures(seed: int, channels: int = 3, side: int = 20) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    target = torch.rand(channels, side, side, generator=draw) * 2 - 1
    return (target + torch.randn(target.shape, generator=draw) * 0.2).clamp(-1, 1), target


def ssim_by_hand(output: Tensor, target: Tensor) -> float:
    """Wang et al., equation 13, in a window of 11 x 11 about every pixel, weighted by a Gaussian of 1.5."""
    places = np.arange(11) - 5
    weights = np.exp(-(places**2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / weights.sum() ** 2
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    found = []
    for bands in zip(output.double().numpy(), target.double().numpy(), strict=True):
        mirrored = [np.pad(band, 5, mode="reflect") for band in bands]
        for top in range(bands[0].shape[0]):
            for left in range(bands[0].shape[1]):
                x, y = (band[top : top + 11, left : left + 11] for band in mirrored)
                mx, my = (window * x).sum(), (window * y).sum()
                vx, vy = (window * x * x).sum() - mx**2, (window * y * y).sum() - my**2
                covariance = (window * x * y).sum() - mx * my
                found.append((2 * mx * my + c1) * (2 * covariance + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(found))


@pytest.mark.parametrize("seed", range(3))
def test_the_scores_are_their_formulas(seed: int) -> None:
    output, target = pictures(seed)
    found = similarity(output, target)
    error = (output.double() - target.double()).square().mean().item()
    assert found.l1 == pytest.approx((output - target).abs().mean().item(), rel=1e-5)
    assert found.psnr == pytest.approx(20 * math.log10(2) - 10 * math.log10(error))
    assert found.ssim == pytest.approx(ssim_by_hand(output, target), abs=1e-4)


def test_equal_pictures_are_as_like_as_can_be() -> None:
    output, _ = pictures(0)
    found = similarity(output, output.clone())
    assert (found.l1, found.psnr) == (0.0, HIGHEST_PSNR)
    assert found.ssim == pytest.approx(1.0)


def test_a_picture_smaller_than_the_window_has_no_ssim() -> None:
    output, target = pictures(0, channels=1, side=10)
    assert similarity(output, target).ssim is None
    assert similarity(*pictures(0, channels=1, side=11)).ssim is not None


def test_what_is_no_pair_of_pictures_is_refused() -> None:
    output, target = pictures(0)
    with pytest.raises(InputError, match="must have one shape"):
        similarity(output[:1], target)
    with pytest.raises(InputError, match="output has values"):
        similarity(output * 3, target)
    with pytest.raises(InputError, match="target has values"):
        similarity(output, target * float("nan"))
    with pytest.raises(InputError, match=r"must be \(channels, height, width\)"):
        similarity(output[None], target[None])
