"""A small registry of two tasks, its server, and pictures to send."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.server.app import application
from piggygan.server.limits import Limits
from piggygan.server.service import Service
from piggygan.server.source import Source


def commit_clinic(folder: Path) -> None:
    """Commit facades, which makes pictures, and lungs, which makes masks, at 16 px."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    for task in ("facades", "lungs"):
        TaskRegistry(folder).commit(model, task, image_size=16, scores={"dice": 0.5})


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that nobody changes."""
    folder = tmp_path_factory.mktemp("served") / "clinic"
    commit_clinic(folder)
    return folder


@pytest.fixture(scope="session")
def service(clinic: Path) -> Service:
    """What answers, of small pictures."""
    return Service(Source(clinic), Limits(megabytes=1, megapixels=1, files=4, requests=4))


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[TestClient]:
    """A visitor of this machine."""
    with TestClient(application(service), base_url="http://127.0.0.1:8765") as client:
        yield client


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Draw a PNG of noise."""

    def draw(rows: int = 20, columns: int = 30, seed: int = 0, channels: int = 3) -> bytes:
        shape = (rows, columns, 3) if channels == 3 else (rows, columns)
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(file, format="PNG")
        return file.getvalue()

    return draw
