"""The layers alone, in a network of your own: one edge filter, then another, and the first stays what it was.

    python examples/own_network.py

No generator is wrapped here. The network is built from ``PiggybackConv2d`` and ``TaskNorm``, which share one
``Selection`` that says which task is computed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

import piggygan as pg


class Network(nn.Module):
    """Two convolutions and a norm, for any number of tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.selection = pg.Selection("horizontal")
        self.first = pg.PiggybackConv2d(nn.Conv2d(1, 16, 3, padding=1), "horizontal", self.selection)
        self.norm = pg.TaskNorm(nn.GroupNorm(4, 16), "horizontal", self.selection)
        self.second = pg.PiggybackConv2d(nn.Conv2d(16, 1, 3, padding=1), "horizontal", self.selection)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the selected task."""
        output: Tensor = self.second(torch.relu(self.norm(self.first(images))))
        return output


def learn(network: Network, task: str, kernel: Tensor) -> float:
    """Learn to convolve with ``kernel``; return the last loss."""
    layers = (network.first, network.norm, network.second)
    optimizer = torch.optim.Adam([p for layer in layers for p in layer.stored(task).parameters()], lr=1e-2)
    for _ in range(200):
        images = torch.randn(8, 1, 16, 16)
        target = nn.functional.conv2d(images, kernel[None, None], padding=1)
        with network.selection.using(task):
            loss = (network(images) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    last: float = loss.item()
    return last


def main() -> None:
    """Learn two tasks and show that the first is still there, bit for bit."""
    torch.manual_seed(0)
    sobel = torch.tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]) / 4
    network, probe = Network(), torch.randn(1, 1, 16, 16)
    print(f"horizontal edges: loss {learn(network, 'horizontal', sobel):.4f}")
    for layer in (network.first, network.norm, network.second):
        layer.freeze_task("horizontal")
    before = network(probe)

    network.first.add_task("vertical", unconstrained_fraction=0.25)
    network.norm.add_task("vertical", start_from="horizontal")
    network.second.add_task("vertical", unconstrained_fraction=1.0)
    print(f"vertical edges:   loss {learn(network, 'vertical', sobel.T):.4f}")
    same = network(probe).detach().numpy().tobytes() == before.detach().numpy().tobytes()  # 0.0 and -0.0 are not
    print(f"horizontal edges, bit for bit as before: {same}")


if __name__ == "__main__":
    main()
