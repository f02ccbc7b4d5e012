from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.masks import read_mask
from piggygan.errors import ImageError, MaskError

BITS = np.array([[0, 1, 1], [1, 0, 0]])
EXPECTED = torch.tensor([[[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0]]])


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path, format="PNG")
    return path


@pytest.mark.parametrize("other", [1, 255, 38])
def test_a12_any_second_value_means_one(tmp_path: Path, other: int) -> None:
    path = saved(Image.fromarray((BITS * other).astype(np.uint8)), tmp_path / "mask.png")
    assert torch.equal(read_mask(path), EXPECTED)


def test_one_bit_sixteen_bit_and_coloured_masks_are_read(tmp_path: Path) -> None:
    red = np.zeros((2, 3, 3), dtype=np.uint8)
    red[..., 0] = BITS * 200
    opaque = np.dstack([red, np.full((2, 3), 255, dtype=np.uint8)])
    for image in (
        Image.fromarray(BITS.astype(bool)),
        Image.fromarray((BITS * 65535).astype(np.uint16)),
        Image.fromarray(red),
        Image.fromarray(opaque),
        Image.fromarray(opaque).convert("LA"),
    ):
        assert torch.equal(read_mask(saved(image, tmp_path / "mask.png")), EXPECTED), image.mode


def test_a11_palette_indices_are_kept_whatever_their_colours(tmp_path: Path) -> None:
    mask = Image.new("P", (3, 2))
    mask.putdata(BITS.ravel().tolist())
    mask.putpalette([90, 90, 90, 0, 0, 0])  # by its grey, the mask would be upside down
    assert torch.equal(read_mask(saved(mask, tmp_path / "mask.png")), EXPECTED)
    mask = Image.new("P", (3, 2))
    mask.putdata([0, 1, 2, 3, 0, 1])
    mask.putpalette([0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9])
    with pytest.raises(MaskError, match=r"values 0 \(2 pixels\), 1 \(2 pixels\), 2 \(1 pixels\), 3 \(1 pixels\)"):
        read_mask(saved(mask, tmp_path / "mask.png"))


def test_a12_a_third_value_is_named_with_its_count_and_file(tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.array([[0, 0, 255, 128]], dtype=np.uint8)), tmp_path / "mask.png")
    with pytest.raises(MaskError, match=r"mask\.png.* 0 \(2 pixels\), 128 \(1 pixels\), 255 \(1 pixels\)"):
        read_mask(path)
    many = saved(Image.fromarray(np.arange(30, dtype=np.uint8)[None]), tmp_path / "many.png")
    with pytest.raises(MaskError, match="and 20 more"):
        read_mask(many)


def test_two_values_without_zero_are_no_mask(tmp_path: Path) -> None:
    with pytest.raises(MaskError):
        read_mask(saved(Image.fromarray((BITS + 1).astype(np.uint8)), tmp_path / "mask.png"))


def test_a16_a_mask_of_one_value_is_all_background_or_all_foreground(tmp_path: Path) -> None:
    for value, expected in ((0, -1.0), (7, 1.0)):
        path = saved(Image.new("L", (2, 2), value), tmp_path / "mask.png")
        assert read_mask(path).unique().tolist() == [expected]


def test_a_transparent_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="transparent"):
        read_mask(saved(Image.new("RGBA", (2, 2), (0, 0, 0, 10)), tmp_path / "mask.png"))


def test_a13_a_mask_is_turned_like_its_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray((BITS * 255).astype(np.uint8)).save(tmp_path / "mask.png", exif=exif)
    assert torch.equal(read_mask(tmp_path / "mask.png"), EXPECTED.flip(1, 2))


def test_what_is_no_image_is_no_mask(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(ImageError, match="not a PNG or JPEG"):
        read_mask(tmp_path / "mask.png")


def test_the_real_masks_are_lungs(shared_data: Path) -> None:
    masks = sorted((shared_data / "covid_cxr" / "masks").glob("*.png"))[:10]
    shares = [float((read_mask(path) > 0).float().mean()) for path in masks]
    assert all(0.05 < share < 0.6 for share in shares)
    other = read_mask(shared_data / "others/jsrt/masks/JPCLN007.png")
    assert other.shape == (1, 512, 512)
    assert other.unique().tolist() == [-1.0, 1.0]
