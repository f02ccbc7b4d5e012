"""A small model of three tasks, and a registry that holds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry


def _generator() -> nn.Sequential:
    """Make a user's generator with both kinds of convolution and a norm with running statistics."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def _learn(model: MultiTaskGenerator, task: str) -> None:
    """Move a task in training away from where it started, its running statistics too."""
    with torch.no_grad():
        for parameter in model.task_parameters(task):
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.train()
    model(torch.rand(4, model.describe_task(task).in_channels or 3, 16, 16), task=task)
    model.freeze_task(task)


def _model(seed: int = 0) -> MultiTaskGenerator:
    """Make a model of facades, edges (on facades) and lungs (on both, 1 channel to 1)."""
    torch.manual_seed(seed)
    model = MultiTaskGenerator(_generator(), "facades")
    _learn(model, "facades")
    model.add_task("edges", unconstrained_fraction=0.5, max_bank=1.25)
    _learn(model, "edges")
    model.add_task("lungs", in_channels=1, out_channels=1, max_bank=1.25)
    _learn(model, "lungs")
    return model.eval()


@pytest.fixture
def make_generator() -> Callable[[], nn.Sequential]:
    return _generator


@pytest.fixture
def make_model() -> Callable[[int], MultiTaskGenerator]:
    return _model


@pytest.fixture
def learn() -> Callable[[MultiTaskGenerator, str], None]:
    return _learn


@pytest.fixture
def model() -> MultiTaskGenerator:
    return _model()


@pytest.fixture
def registry(tmp_path: Path, model: MultiTaskGenerator) -> TaskRegistry:
    registry = TaskRegistry(tmp_path / "clinic")
    for task in model.tasks:
        registry.commit(model, task, scores={"dice": 0.5}, image_size=np.int64(16))
    return registry


@pytest.fixture
def exported(registry: TaskRegistry, tmp_path: Path) -> dict[str, Path]:
    """Every task of the registry in a file."""
    paths = {task: tmp_path / f"{task}.safetensors" for task in registry.tasks}
    for task, path in paths.items():
        registry.export_task(task, path)
    return paths


@pytest.fixture
def other(tmp_path: Path) -> TaskRegistry:
    return TaskRegistry(tmp_path / "other")
