"""Checks of the generated chest radiographs: repeatable, rightly masked, readable as DICOM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from piggygan.data.synthetic.xrays import generate_xray, write_xrays
from piggygan.errors import ConfigurationError


def _grown(mask: np.ndarray, steps: int) -> np.ndarray:
    """Grow a region by ``steps`` pixels to all four sides."""
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return mask


def _best_threshold_dice(stored: np.ndarray, mask: np.ndarray) -> float:
    best = 0.0
    for low in np.quantile(stored, np.linspace(0.0, 0.9, 19)):
        for high in np.quantile(stored, np.linspace(0.05, 1.0, 20)):
            found = (stored >= low) & (stored <= high)
            best = max(best, 2.0 * (found & mask).sum() / max(1, found.sum() + mask.sum()))
    return best


def test_one_seed_gives_the_same_bytes_twice() -> None:
    first, second = (generate_xray(np.random.default_rng(11), 64) for _ in range(2))
    assert [part.tobytes() for part in first] == [part.tobytes() for part in second]


def test_twenty_seeds_give_twenty_patients() -> None:
    masks = {generate_xray(np.random.default_rng(seed), 48)[1].tobytes() for seed in range(20)}
    assert len(masks) == 20


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_stored_values_have_twelve_bits_and_the_asked_size(size: int) -> None:
    stored, mask = generate_xray(np.random.default_rng(5), size)
    assert stored.shape == mask.shape == (size, size)
    assert stored.dtype == np.uint16
    assert mask.dtype == np.bool_
    assert stored.max() <= 4095
    assert np.unique(stored).size > 100  # not 8 bits blown up


def test_a_seed_gives_the_same_patient_at_every_size() -> None:
    small, large = (generate_xray(np.random.default_rng(8), size) for size in (64, 256))
    middles = large[1][2::4, 2::4]
    assert 2.0 * (small[1] & middles).sum() / (small[1].sum() + middles.sum()) > 0.97
    means = large[0].reshape(64, 4, 64, 4).mean(axis=(1, 3))
    assert np.corrcoef(small[0].ravel(), means.ravel())[0, 1] > 0.97


def test_lungs_are_darker_than_what_surrounds_them() -> None:
    for seed in range(20):
        stored, mask = generate_xray(np.random.default_rng(seed), 128)
        around = _grown(mask, 5) & ~_grown(mask, 1)
        assert stored[mask].mean() < stored[around].mean() - 150, seed


def test_the_masks_edge_lies_where_the_picture_changes() -> None:
    # A mask that is moved by four pixels must fit worse, or it says nothing about the picture.
    for seed in range(10):
        stored, mask = generate_xray(np.random.default_rng(seed), 128)

        def contrast(region: np.ndarray, values: np.ndarray = stored) -> float:
            inside, outside = region & ~_grown(~region, 3), _grown(region, 3) & ~region
            return float(values[outside].mean() - values[inside].mean())

        moved = [np.roll(mask, shift, axis=axis) for axis in (0, 1) for shift in (-4, 4)]
        assert contrast(mask) > max(contrast(other) for other in moved), seed


def test_no_band_of_grey_values_finds_the_lungs() -> None:
    scores = [_best_threshold_dice(*generate_xray(np.random.default_rng(seed), 64)) for seed in range(12)]
    assert np.mean(scores) < 0.85


def test_a_written_radiograph_reads_back_as_what_was_drawn(tmp_path: Path) -> None:
    for index, (image_path, mask_path) in enumerate(write_xrays(tmp_path, count=3, size=64, seed=6)):
        stored, mask = generate_xray(np.random.default_rng((6, index)), 64)
        image = pydicom.dcmread(image_path)
        is_inverted = image.PhotometricInterpretation == "MONOCHROME1"
        np.testing.assert_array_equal(image.pixel_array, 4095 - stored if is_inverted else stored)
        with Image.open(mask_path) as file:
            assert file.mode == "L"
            np.testing.assert_array_equal(np.asarray(file), np.where(mask, 255, 0))


def test_both_kinds_of_monochrome_are_written_and_lungs_are_dark_in_both(tmp_path: Path) -> None:
    kinds = []
    for image_path, mask_path in write_xrays(tmp_path, count=6, size=64, seed=1):
        image = pydicom.dcmread(image_path)
        kinds.append(image.PhotometricInterpretation)
        values = image.pixel_array.astype(float) * image.RescaleSlope + image.RescaleIntercept
        shown = -values if kinds[-1] == "MONOCHROME1" else values
        with Image.open(mask_path) as file:
            mask = np.asarray(file) > 0
        assert shown[mask].mean() < shown[_grown(mask, 4) & ~mask].mean()
    assert kinds == ["MONOCHROME2", "MONOCHROME2", "MONOCHROME1"] * 2


def test_the_header_says_a_synthetic_chest_in_twelve_bits(tmp_path: Path) -> None:
    write_xrays(tmp_path, count=2, size=64, seed=1)
    image = pydicom.dcmread(tmp_path / "images" / "001.dcm")
    assert image.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert image.SOPClassUID == image.file_meta.MediaStorageSOPClassUID == ComputedRadiographyImageStorage
    assert (image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation) == (16, 12, 11, 0)
    assert (image.Modality, image.BodyPartExamined, image.ViewPosition) == ("CR", "CHEST", "PA")
    assert (image.PatientID, image.PatientName) == ("SYNTHETIC-001", "SYNTHETIC^CHEST")
    low = image.WindowCenter - image.WindowWidth / 2
    inside = (image.pixel_array >= low) & (image.pixel_array <= low + image.WindowWidth)
    assert inside.mean() > 0.97


def test_unique_identifiers_are_valid_and_differ_by_picture_seed_and_size(tmp_path: Path) -> None:
    identifiers = []
    for name, size, seed in (("a", 32, 1), ("b", 32, 2), ("c", 48, 1)):
        for image_path, _ in write_xrays(tmp_path / name, count=2, size=size, seed=seed):
            image = pydicom.dcmread(image_path)
            identifiers += [image.SOPInstanceUID, image.SeriesInstanceUID, image.StudyInstanceUID]
    assert all(identifier.is_valid for identifier in identifiers)
    assert len(set(identifiers)) == len(identifiers)


def test_the_same_arguments_write_the_same_bytes_and_a_larger_count_only_adds(tmp_path: Path) -> None:
    few = write_xrays(tmp_path / "few", count=2, size=32, seed=4)
    more = write_xrays(tmp_path / "more", count=3, size=32, seed=4)
    for pair, same in zip(few, more, strict=False):
        assert [path.read_bytes() for path in pair] == [path.read_bytes() for path in same]
    other = write_xrays(tmp_path / "other", count=1, size=32, seed=5)
    assert few[0][1].read_bytes() != other[0][1].read_bytes()


@pytest.mark.parametrize(
    "wrong", [{"size": 31}, {"size": 5000}, {"size": "64"}, {"count": 0}, {"count": 2.0}, {"seed": -1}], ids=str
)
def test_a_wrong_argument_is_refused_and_nothing_is_written(tmp_path: Path, wrong: dict[str, int]) -> None:
    arguments = {"count": 1, "size": 32, "seed": 0} | wrong
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        write_xrays(tmp_path / "xrays", **arguments)
    assert not (tmp_path / "xrays").exists()


def test_a_size_of_few_bits_is_a_size() -> None:
    small, usual = (generate_xray(np.random.default_rng(3), size) for size in (np.uint8(200), 200))
    assert [part.tobytes() for part in small] == [part.tobytes() for part in usual]
