"""Small files that the tests of piggygan.data read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

RANDOM = np.random.default_rng(3)
SHARED = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return SHARED


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """Write a small DICOM file; keywords set attributes, and None takes one out."""

    def write(
        pixels: np.ndarray[Any, Any], syntax: str = ExplicitVRLittleEndian, name: str = "image.dcm", **attributes: Any
    ) -> Path:
        little_endian = syntax != "1.2.840.10008.1.2.2"
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
        dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["piggygan"])
        dataset.PatientName = "Planted^Name"
        dataset.PatientID = "PLANTED-ID"
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        for key, value in attributes.items():
            if value is None:
                delattr(dataset, key)
            else:
                setattr(dataset, key, value)
        if "HighBit" not in attributes and "BitsStored" in dataset:
            dataset.HighBit = dataset.BitsStored - 1
        if "PixelData" not in attributes:
            data = pixels.astype(pixels.dtype.newbyteorder("<" if little_endian else ">")).tobytes()
            dataset.PixelData = data + b"\0" * (len(data) % 2)
        if "PixelData" in dataset:
            dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
        path = tmp_path / name
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def with_masks(tmp_path: Path) -> tuple[Path, Path]:
    """Forty noisy images of 20 x 24 pixels and their masks."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for number in range(40):
        Image.fromarray(RANDOM.integers(0, 256, (20, 24), dtype=np.uint8)).save(images / f"{number:02}.png")
        Image.fromarray(RANDOM.random((20, 24)) > 0.5).save(masks / f"{number:02}.png")
    return images, masks


@pytest.fixture
def side_by_side(tmp_path: Path) -> Path:
    folder = tmp_path / "train"
    folder.mkdir()
    for number in range(4):
        labels = RANDOM.integers(0, 3, (8, 8, 3), dtype=np.uint8) * 100
        photo = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(np.concatenate([photo, labels], axis=1)).save(folder / f"{number}.png")
    return folder
