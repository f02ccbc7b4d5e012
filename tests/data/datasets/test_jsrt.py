"""The JSRT films: raw densities, GIF masks of half the side, two folds."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.datasets import (
    Jsrt,
    open_dataset,
)
from piggygan.data.datasets.jsrt import read_gif_mask, read_raw_film
from piggygan.errors import ConfigurationError, ImageError, InputTooLargeError, MaskError, PairError


def test_a_raw_film_is_bright_where_its_density_is_low(jsrt: Path) -> None:
    film = read_raw_film(jsrt / "All247images/JPCLN001.IMG")
    assert film.shape == (1, 2048, 2048)
    assert film[0, 5, 5] == -1.0
    assert film[0, 5, 2000] == 1.0
    assert film[0, 0, 0].item() == pytest.approx(1 - 2 * 256 / 4095, abs=1e-6)  # swapped bytes would give 1 - 2/4095


def test_a_raw_film_of_another_size_or_byte_order_is_refused(jsrt: Path, tmp_path: Path) -> None:
    content = (jsrt / "All247images/JPCLN001.IMG").read_bytes()
    for changed, message in ((content[:-1], "8388607 bytes"), (content + b"\0", "8388609"), (b"", "has 0 bytes")):
        (tmp_path / "x.IMG").write_bytes(changed)
        with pytest.raises(ImageError, match=message):
            read_raw_film(tmp_path / "x.IMG")
    np.frombuffer(content, dtype=">u2").astype("<u2").tofile(tmp_path / "x.IMG")
    with pytest.raises(ImageError, match="12 bits, big-endian"):
        read_raw_film(tmp_path / "x.IMG")


def test_the_masks_of_scr_are_brought_to_the_film_and_the_heart_is_left_out(jsrt: Path) -> None:
    dataset = Jsrt(jsrt)
    image, mask = Jsrt.reader(3).read(dataset.files[0])
    assert image.shape == (3, 2048, 2048)
    lungs = np.zeros((1024, 1024), dtype=bool)
    for part in ("left lung", "right lung"):
        with Image.open(jsrt / "fold1/masks" / part / "JPCLN001.gif") as gif:
            lungs |= np.asarray(gif.convert("L")) > 127
    assert lungs.sum() == 2 * 6 * 3
    assert np.array_equal(mask[0].numpy() > 0, np.kron(lungs, np.ones((2, 2), dtype=bool)))
    assert dataset.sides == {"fold1": ["JPCLN001"], "fold2": ["JPCNN002"]}


def test_scr_may_lie_in_the_folder_of_its_archive(jsrt: Path) -> None:
    (jsrt / "scratch").mkdir()
    for fold in ("fold1", "fold2"):
        (jsrt / fold).rename(jsrt / "scratch" / fold)
    assert len(open_dataset(jsrt).files) == 2


def test_a12_a_gif_mask_of_three_values_or_no_gif_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint8)).save(tmp_path / "three.gif")
    with pytest.raises(MaskError, match=r"three\.gif"):
        read_gif_mask(tmp_path / "three.gif")
    Image.new("L", (4, 4)).save(tmp_path / "png.gif", format="PNG")
    with pytest.raises(ImageError, match="no GIF"):
        read_gif_mask(tmp_path / "png.gif")
    with pytest.raises(InputTooLargeError):
        read_gif_mask(tmp_path / "three.gif", max_pixels=2)


def test_a_film_that_both_folds_have_is_refused(jsrt: Path) -> None:
    masks = "masks/left lung"
    (jsrt / "fold2" / masks / "JPCLN001.gif").write_bytes((jsrt / "fold1" / masks / "JPCLN001.gif").read_bytes())
    with pytest.raises(PairError, match=r"has a left lung of 'JPCLN001' in both folds"):
        Jsrt(jsrt)


def test_a_film_of_several_channels_is_one_film_repeated(jsrt: Path) -> None:
    raw = jsrt / "All247images/JPCLN001.IMG"
    assert torch.equal(Jsrt.reader(3).read_input(raw), read_raw_film(raw).repeat(3, 1, 1))
    assert Jsrt.reader(1).read_input(jsrt / "All247images/JPCNN002.png").shape == (1, 2048, 2048)
    with pytest.raises(ConfigurationError, match="channels is 2"):
        Jsrt.reader(2)


def test_of_one_fold_alone_the_films_of_the_other_lack_their_masks(jsrt: Path) -> None:
    shutil.rmtree(jsrt / "fold2")
    dataset = Jsrt(jsrt)
    assert dataset.sides == {"fold1": ["JPCLN001"]}
    assert [tuple(skipped) for skipped in dataset.incomplete] == [("JPCNN002", "has no left mask and no right mask")]
