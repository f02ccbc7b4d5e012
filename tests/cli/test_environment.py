"""`piggygan predict --from-environment`: what mercure and MONAI Deploy say by variables, and where they find masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch

from piggygan.cli import main
from piggygan.cli.environment import words_of_environment
from piggygan.errors import ConfigurationError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

OURS = {"PIGGYGAN_REGISTRY": "/registry", "PIGGYGAN_TASK": "lungs"}
MONAI = {"MONAI_INPUTPATH": "/in", "MONAI_OUTPUTPATH": "/out"}
MERCURE = {"MERCURE_IN_DIR": "/in", "MERCURE_OUT_DIR": "/out"}


@pytest.fixture
def films(tmp_path: Path, write_film: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    TaskRegistry(tmp_path / "clinic").commit(model, "lungs", image_size=16)
    (tmp_path / "in/series").mkdir(parents=True)
    for number in range(2):
        write_film(tmp_path / f"in/series/{number}.dcm", np.full((20, 24), 90 + number, dtype=np.uint8))
    (tmp_path / "in/task.json").write_text("{}")  # mercure's
    monkeypatch.setenv("PIGGYGAN_REGISTRY", str(tmp_path / "clinic"))
    monkeypatch.setenv("PIGGYGAN_TASK", "lungs")
    return tmp_path / "in"


def test_mercure_finds_the_segmentations_in_its_folder(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("highdicom")
    out = films.with_name("out")
    out.mkdir()
    monkeypatch.setenv("MERCURE_IN_DIR", str(films))
    monkeypatch.setenv("MERCURE_OUT_DIR", str(out))
    for _ in range(2):  # the second goes on where the first was
        assert main(["predict", "--from-environment"]) == 0
        masks = sorted(out.glob("*.dcm"))
        assert len(masks) == 2
        assert {str(pydicom.dcmread(mask).SOPInstanceUID) for mask in masks} == {mask.stem for mask in masks}


def test_monai_finds_everything_in_its_folder(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONAI_INPUTPATH", str(films))
    monkeypatch.setenv("MONAI_OUTPUTPATH", str(films.with_name("out")))
    assert main(["predict", "--from-environment", "--no-dicom-seg"]) == 0
    assert sorted(path.name for path in films.with_name("out").glob("masks/*/*")) == ["0.png", "1.png"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "none are set"),
        (OURS, "none are set"),
        (OURS | MONAI | MERCURE, "both are set"),
        (MONAI, "needs PIGGYGAN_REGISTRY and PIGGYGAN_TASK"),
        (OURS | {"MERCURE_IN_DIR": "/in"}, "needs MERCURE_OUT_DIR"),
    ],
)
def test_what_is_not_said_is_asked_for(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        words_of_environment(environment)
