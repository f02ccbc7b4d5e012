"""A generator with a module of every treatment."""

from typing import Any

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Blur(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((1, 1, 3, 3), 1 / 9))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(
            x, self.get_buffer("weight").expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1]
        )


def varied() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.PReLU(8),
        Scale(),
        nn.Sequential(nn.Flatten(2), nn.Linear(64, 64), nn.Unflatten(2, (8, 8))),
        Blur(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 3, 1),
    )


SAID: dict[str, Any] = {"per_task": [Scale], "shared_frozen": ["3.*", "5"]}
