"""A small generator of two tasks."""

import torch
from torch import nn

import piggygan as pg


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 8, 4, stride=2, padding=1),
        nn.Tanh(),
        nn.Conv2d(8, 3, 1),
    )


def two_tasks() -> pg.MultiTaskGenerator:
    model = pg.MultiTaskGenerator(small(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    return model


def everything(model: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}
