"""Networks of two or three numbers, and the same losses written in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Affine(nn.Module):
    """A generator that a reader can check: ``tanh(scale * x + shift)``."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.7, -0.2], dtype=torch.float64))

    def forward(self, images: Tensor, gain: float = 1.0) -> Tensor:
        return torch.tanh(gain * (self.weights[0] * images + self.weights[1]))


class Plane(nn.Module):
    """A discriminator of one score a pixel: ``a * input + b * output + c``, with a bend so that gradients vary."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.5, -0.9, 0.1], dtype=torch.float64))

    def forward(self, pair: Tensor) -> Tensor:
        a, b, c = self.weights
        return a * pair[:, :1] + b * pair[:, 1:].square() + c


def generate(weights: Numbers, x: Numbers, gain: float = 1.0) -> Numbers:
    return np.tanh(gain * (weights[0] * x + weights[1]))


def judge(weights: Numbers, x: Numbers, y: Numbers) -> Numbers:
    return weights[0] * x + weights[1] * y**2 + weights[2]


def gan_loss(scores: Numbers, is_real: bool, gan: str) -> float:
    if gan == "least_squares":
        return float(((scores - is_real) ** 2).mean())
    probability = 1 / (1 + np.exp(-scores))
    return float(-np.log(probability if is_real else 1 - probability).mean())


def dice_loss(y: Numbers, t: Numbers) -> float:
    p, g = (y + 1) / 2, (t + 1) / 2
    return float(np.mean([1 - (2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1) for a, b in zip(p, g, strict=True)]))


def gradient(loss: Callable[[Numbers], float], at: Numbers) -> Numbers:
    steps = np.eye(len(at)) * 1e-6
    return np.array([(loss(at + step) - loss(at - step)) / 2e-6 for step in steps])
