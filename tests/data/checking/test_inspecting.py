"""One pair, read as a training would: whatever is wrong with it is in the finding, not raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.checking.inspecting import inspect
from piggygan.data.folders import PairFiles
from piggygan.data.mask_reader import MaskReader
from piggygan.data.readers import PictureReader

READER = MaskReader(1)


def pair(folder: Path, mask: np.ndarray, level: int = 9) -> PairFiles:  # type: ignore[type-arg]
    Image.new("L", (4, 3), level).save(folder / "a.png")
    Image.fromarray(mask.astype(np.uint8)).save(folder / "mask.png")
    return PairFiles("a", folder / "a.png", folder / "mask.png")


def test_a_sound_pair_has_a_size_a_digest_and_no_fault(tmp_path: Path) -> None:
    found = inspect(pair(tmp_path, np.eye(3, 4)), READER, "salt")
    assert (found.name, found.width, found.height, found.bits, found.faults) == ("a", 4, 3, 8, ())
    assert found.digest == inspect(pair(tmp_path, np.eye(3, 4) * 255), READER, "other").digest
    assert found.digest != inspect(pair(tmp_path, np.eye(3, 4), level=10), READER, "salt").digest


@pytest.mark.parametrize(
    ("mask", "kind"),
    [
        (np.zeros((3, 4)), "empty mask"),
        (np.full((3, 4), 255), "empty mask"),
        (np.arange(12).reshape(3, 4), "mask values"),
        (np.eye(4, 3), "mask size"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_a_fault_of_its_kind(
    tmp_path: Path,
    mask: np.ndarray,  # type: ignore[type-arg]
    kind: str,
) -> None:
    (fault,) = inspect(pair(tmp_path, mask), READER, "salt").faults
    assert fault.kind == kind


def test_a_file_that_cannot_be_read_is_a_finding_too(tmp_path: Path) -> None:
    files = pair(tmp_path, np.eye(3, 4))
    files.image.write_bytes(b"no picture")
    found = inspect(files, READER, "salt")
    assert (found.faults[0].kind, found.width, found.digest) == ("unreadable", None, None)


def test_a_patient_is_a_digest_that_means_nothing_beside_another_salt(write_dicom: Callable[..., Path]) -> None:
    film = PairFiles("film", write_dicom(np.eye(4, dtype=np.uint8), PatientID="PLANTED", BurnedInAnnotation="YES"))
    one, same, other = (inspect(film, PictureReader(1), salt) for salt in ("a", "a", "b"))
    assert one == same
    assert one.patient != other.patient
    assert [fault.kind for fault in one.faults] == ["burned-in text"]  # counted, though a training refuses it
    assert "PLANTED" not in repr(one)
