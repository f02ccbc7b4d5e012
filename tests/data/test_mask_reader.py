"""An image and its masks: how they are read, united and refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.folders import PairFiles
from piggygan.data.mask_reader import MaskReader
from piggygan.errors import MaskError, PairError


def saved(path: Path, values: np.ndarray) -> Path:  # type: ignore[type-arg]
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_and_its_mask_are_read(tmp_path: Path, channels: int) -> None:
    image = saved(tmp_path / "a.png", np.full((2, 3), 255))
    mask = saved(tmp_path / "m.png", np.array([[0, 1, 1], [0, 0, 0]]))
    input_, target = MaskReader(channels).read(PairFiles("a", image, mask))
    assert torch.equal(input_, torch.ones(channels, 2, 3))
    assert target.tolist() == [[[-1, 1, 1], [-1, -1, -1]]]


def test_a13_a17_a_pair_of_two_sizes_is_refused(tmp_path: Path) -> None:
    image, mask = saved(tmp_path / "a.png", np.zeros((2, 3))), saved(tmp_path / "m.png", np.zeros((3, 2)))
    with pytest.raises(PairError, match=r"a\.png' is 3 x 2 pixels and its mask .*m\.png' 2 x 3"):
        MaskReader().read(PairFiles("a", image, mask))
    with pytest.raises(PairError, match="no mask file"):
        MaskReader().read(PairFiles("a", image))
    with pytest.raises(MaskError):
        MaskReader().read(PairFiles("a", image, saved(tmp_path / "m.png", np.arange(6).reshape(2, 3))))


def test_several_masks_are_united(tmp_path: Path) -> None:
    left, right = np.zeros((4, 4)), np.zeros((4, 4))
    left[0], right[3] = 255, 255
    image, one, other = (saved(tmp_path / f"{n}.png", v) for n, v in (("i", left), ("l", left), ("r", right)))
    _, united = MaskReader(1).read(PairFiles("i", image, one, more_masks=(other,)))
    assert (united[0, :, 0] > 0).tolist() == [True, False, False, True]
