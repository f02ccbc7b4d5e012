from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piggygan.data.images import read_image, write_image
from piggygan.errors import (
    ConfigurationError,
    ImageError,
    InputError,
)
from tests.data.pictures.by_hand import PICTURE, PNG_BYTES


def test_an_rgb_png_is_scaled_to_minus_one_to_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG_BYTES)
    image = read_image(tmp_path / "a.png")
    expected = np.asarray(PICTURE).transpose(2, 0, 1) / 255.0 * 2.0 - 1.0
    assert image.dtype == torch.float32
    assert image.shape == (3, 9, 11)
    np.testing.assert_allclose(image.numpy(), expected, atol=1e-6)


def test_two_channels_are_refused_before_the_file_is_looked_for() -> None:
    with pytest.raises(ConfigurationError, match="channels is 2"):
        read_image("nowhere.png", channels=2)


@given(grey=st.lists(st.integers(0, 255), min_size=1, max_size=8), channels=st.sampled_from([1, 3]))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, grey: list[int], channels: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.whatever"
    image = (torch.tensor(grey, dtype=torch.float32) / 255 * 2 - 1).expand(channels, 2, -1)
    write_image(path, image)
    assert torch.equal(read_image(path, channels), image)


def test_only_images_in_range_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for image in (torch.zeros(2, 4, 4), torch.zeros(4, 4), torch.zeros(1, 0, 4), torch.full((1, 2, 2), 255.0)):
        with pytest.raises(InputError):
            write_image(path, image)
    with pytest.raises(InputError):
        write_image(path, torch.full((1, 2, 2), float("nan")))
    assert not path.exists()
    with pytest.raises(ImageError, match="could not be written"):
        write_image(tmp_path / "missing" / "a.png", torch.zeros(1, 2, 2))
