"""A model whose numbers are so large that any rounding shows in its outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import piggygan as pg


class Small(nn.Module):
    """A plain, a transposed and a grouped convolution, and something with statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 8, 3, padding=1)
        self.mid = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.tail = nn.Conv2d(8, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.tail(torch.relu(self.mid(torch.relu(self.up(self.norm(self.head(images)))))))
        return output


def of_tasks(count: int, *, frozen: bool = True) -> pg.MultiTaskGenerator:
    """Make the same model at every call, its tasks of large numbers, so that rounding shows."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(Small(), "task1").eval()
    for number in range(2, count + 1):
        model.freeze_task(model.tasks[-1])
        model.add_task(f"task{number}", unconstrained_fraction={"*": 0.25})
        with torch.no_grad():
            for parameter in model.task_parameters(f"task{number}"):
                parameter.add_(torch.randn_like(parameter) * (0.3 / 32 if parameter.dim() == 2 else 0.3))
    if frozen:
        model.freeze_task(model.tasks[-1])
    return model
