"""Registries whose tasks are known by formula, and films to give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

SHARED = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> TaskRegistry:
    """Facades (3 channels to 3) and lungs (3 to 1), of a small U-Net with weights that were not trained."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=5, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path_factory.mktemp("registry") / "clinic")
    registry.commit(model, "facades")
    model.add_task("lungs", out_channels=1)
    with torch.no_grad():
        for parameter in model.task_parameters("lungs"):
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.freeze_task("lungs")
    registry.commit(model, "lungs", scores={"dice": 0.5})
    return registry


def _mirror(channels: int = 1) -> nn.Sequential:
    """Make a generator that gives back what it gets."""
    first, last = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)
    for convolution in (first, last):
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            convolution.weight.copy_(torch.eye(channels)[:, :, None, None])
    return nn.Sequential(first, last)


@pytest.fixture
def make_mirror() -> Callable[..., nn.Sequential]:
    return _mirror


@pytest.fixture
def mirror_registry(tmp_path: Path) -> TaskRegistry:
    """A task "lungs" whose mask is what is brighter than mid grey."""
    model = MultiTaskGenerator(_mirror(), "lungs")
    model.freeze_task("lungs")
    registry = TaskRegistry(tmp_path / "mirror")
    registry.commit(model, "lungs")
    return registry


@pytest.fixture
def chest() -> np.ndarray[Any, Any]:
    """A generated film of 8 bits, 160 x 140 pixels."""
    from piggygan.data.synthetic.xrays import generate_xray

    stored, _ = generate_xray(np.random.default_rng(3), 160)
    return np.ascontiguousarray((stored[:, :140] >> 4).astype(np.uint8))
