"""Readers that run out of memory, at every place where they take some: a typed error, and the next file is read."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.uid import RLELossless

from piggygan.data import PairDataset, read_dicom, read_image, read_mask
from piggygan.data.image_file import read_image_file
from piggygan.errors import DataError, ImageError
from tests.missing_memory import calls_of, failing_at

PIXELS = np.arange(20 * 16, dtype=np.uint8).reshape(20, 16)
WATCHED = ("/piggygan/data/", "/PIL/", "/pydicom/")


@pytest.fixture
def paths(tmp_path: Path, write_film: Callable[..., Path]) -> dict[str, Path]:
    for name, options in (("a.png", {}), ("a.jpg", {})):
        Image.fromarray(PIXELS).save(tmp_path / name, **options)
    Image.fromarray((PIXELS > 90).astype(np.uint8) * 255).save(tmp_path / "mask.png")
    film = pydicom.dcmread(write_film(tmp_path / "a.dcm", PIXELS))
    film.compress(RLELossless, generate_instance_uid=False)
    film.save_as(tmp_path / "runs.dcm")
    return {path.name: path for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("a.png", read_image),
        ("a.jpg", read_image),
        ("a.dcm", lambda path: read_image_file(path, identify="patient").picture),
        ("runs.dcm", read_dicom),
        ("mask.png", read_mask),
    ],
)
def test_17_04_memory_that_is_missing_anywhere_is_a_typed_error_and_nothing_is_lost(
    paths: dict[str, Path], name: str, read: Callable[[Path], torch.Tensor]
) -> None:
    whole = read(paths[name])
    filters = list(warnings.filters)
    calls = calls_of(lambda: read(paths[name]), WATCHED)
    assert calls > 30
    failed: list[str] = []
    for call in range(1, calls + 1, max(1, calls // 150)):
        try:
            with failing_at(call, WATCHED):
                found = read(paths[name])
        except ImageError as error:
            failed.append(str(error))
        else:
            assert torch.equal(found, whole)  # some calls can fail without harm
    assert len(failed) > 20
    assert all(str(paths[name]) in error for error in failed)
    assert warnings.filters == filters
    assert torch.equal(read(paths[name]), whole)


def test_17_04_a_film_there_is_no_memory_for_is_left_out_of_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for number in range(3):
            Image.fromarray((PIXELS > 90).astype(np.uint8) * 255).save(tmp_path / folder / f"{number}.png")
    from piggygan.data import image_file

    decode = image_file.decode_image

    def short(content: bytes, path: Path, **limits: int) -> Any:
        if path.name == "1.png":
            raise MemoryError
        return decode(content, path, **limits)

    monkeypatch.setattr(image_file, "decode_image", short)
    pairs = PairDataset.with_masks(tmp_path / "images", tmp_path / "masks", 8, max_skipped=0.5)
    assert pairs.names == ["0", "2"]
    assert "MemoryError" in pairs.skipped[0].reason
    with pytest.raises(DataError):
        PairDataset.with_masks(tmp_path / "images", tmp_path / "masks", 8, max_skipped=0.1)


def test_a_read_from_memory_is_not_disturbed_by_the_watch(paths: dict[str, Path]) -> None:
    with failing_at(10**9, WATCHED) as seen:
        assert Image.open(io.BytesIO(paths["a.png"].read_bytes())).size == (16, 20)
    assert seen[0] > 0
