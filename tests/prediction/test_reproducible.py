"""A segmentation of one mask is the same byte for byte; of another it is another instance."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest

from piggygan.data.dicom.source import SourceImage
from piggygan.prediction.dicom_seg import Algorithm, segmentation_bytes
from piggygan.prediction.reproducible import moment_of_now

pytest.importorskip("highdicom")

MOMENT = "2026-11-27T10:20:30+01:00"
DRAWN = "1.2.826.0.1.3680043.10.511.3."


def made(corner: int = 3, moment: str | None = MOMENT, instance: str = "1.2.3") -> bytes:
    mask = np.zeros((12, 10), dtype=bool)
    mask[corner:9, 2:6] = True
    source = SourceImage("1.2.840.10008.5.1.4.1.1.1", instance, "1.2.4", "1.2.5")
    return segmentation_bytes(mask, source, Algorithm("lungs", "a" * 64, {"size": "16"}, moment))


def identifiers(content: bytes) -> tuple[str, str]:
    file = pydicom.dcmread(io.BytesIO(content))
    assert file.file_meta.MediaStorageSOPInstanceUID == file.SOPInstanceUID
    return str(file.SOPInstanceUID), str(file.SeriesInstanceUID)


def test_the_same_mask_gives_the_same_bytes_and_nothing_drawn_is_left() -> None:
    assert made() == made()
    assert made(moment=None) != made(moment=None)
    assert DRAWN.encode() not in made()


def test_whatever_is_another_names_another_instance() -> None:
    found = [identifiers(content) for content in (made(), made(corner=4), made(moment="2026-11-28T10:20:30+01:00"))]
    assert len({instance for instance, _ in found}) == 3
    assert all(instance != series and instance.startswith("2.25.") for instance, series in found)


def test_it_says_the_moment_at_which_the_prediction_began() -> None:
    file = pydicom.dcmread(io.BytesIO(made()))
    assert (file.ContentDate, file.ContentTime) == ("20261127", "102030")
    assert (file.InstanceCreationDate, file.InstanceCreationTime) == ("20261127", "102030")


@pytest.mark.parametrize("instance", [DRAWN + "5", "2.25.1", "2.25.2"])
def test_identifiers_of_the_source_stay(instance: str) -> None:
    file = pydicom.dcmread(io.BytesIO(made(instance=instance)))
    (series,) = file.ReferencedSeriesSequence
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == instance


@pytest.mark.parametrize(("said", "moment"), [("86400", "1970-01-02T00:00:00+00:00"), ("soon", None), ("9" * 30, None)])
def test_now_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, said: str, moment: Any) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
    assert moment is None or moment_of_now() == moment
    assert len(moment_of_now()) == 25
