"""Registries whose tasks are known by formula, and films to give them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from torch import nn

from piggygan.model import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

SHARED = Path(__file__).parents[2] / "../shared/data"
PLANTED = "Plantagenet"


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
def write_film() -> Callable[..., Path]:
    """Write a DICOM film of a patient with a conspicuous name; keywords set attributes, None takes one out."""

    def write(path: Path, pixels: np.ndarray[Any, Any], **attributes: Any) -> Path:
        film = Dataset()
        film.file_meta = FileMetaDataset()
        film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        film.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
        film.SOPClassUID = ComputedRadiographyImageStorage
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
        film.Modality, film.BodyPartExamined = "CR", "CHEST"
        for keyword in (
            "PatientName", "PatientID", "OtherPatientNames", "InstitutionName", "ReferringPhysicianName",
            "OperatorsName", "AccessionNumber", "StudyDescription", "SeriesDescription", "PatientComments",
            "PatientAddress", "StudyID", "StationName", "ProtocolName", "RequestingPhysician", "ImageComments",
        ):  # fmt: skip
            setattr(film, keyword, PLANTED)
        film.PatientBirthDate, film.PatientSex, film.PatientAge = "18991231", "O", "127Y"
        film.StudyDate, film.StudyTime = "18991230", "235959"
        film.private_block(0x0099, PLANTED, create=True).add_new(1, "LO", PLANTED)
        film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
        film.Rows, film.Columns = pixels.shape
        film.BitsAllocated = film.BitsStored = 8 * pixels.dtype.itemsize
        film.PixelRepresentation = 0
        data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
        film.PixelData = data + b"\0" * (len(data) % 2)
        film["PixelData"].VR = "OW"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong in a film is meant
            for keyword, value in attributes.items():
                if value is None:
                    delattr(film, keyword)
                else:
                    setattr(film, keyword, value)
            film.HighBit = film.BitsStored - 1
            film.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def chest() -> np.ndarray[Any, Any]:
    """A generated film of 8 bits, 160 x 140 pixels."""
    from piggygan.data.synthetic.xrays import generate_xray

    stored, _ = generate_xray(np.random.default_rng(3), 160)
    return np.ascontiguousarray((stored[:, :140] >> 4).astype(np.uint8))
