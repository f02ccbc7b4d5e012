import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.report.pictures import LARGEST_SIDE, SMALLEST_SIDE, gallery, picture_grid


def dots(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert image.info["dpi"][0] == pytest.approx(192, abs=0.1)
        return np.asarray(image)


def levels(picture: Tensor) -> np.ndarray:
    """Round [-1, 1] to 0..255 in float64, channels last and three."""
    grey_or_rgb = np.rint((picture.double().numpy() + 1) * 127.5).astype(np.uint8)
    return np.broadcast_to(grey_or_rgb.transpose(1, 2, 0), (*picture.shape[1:], 3))


def test_every_pixel_becomes_a_square_block_of_its_own_colour() -> None:
    picture = torch.rand(3, 4, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    factor = SMALLEST_SIDE // 8
    expected = np.kron(levels(picture), np.ones((factor, factor, 1), np.uint8))

    grid = dots(picture_grid([[picture]], [""], [""]))

    assert grid[-expected.shape[0] :, -expected.shape[1] :].tobytes() == expected.tobytes()
    assert grid.shape[1] == expected.shape[1]  # without a label no room is kept for one


def test_a_picture_of_one_channel_is_shown_grey() -> None:
    picture = (torch.arange(SMALLEST_SIDE**2) % 256).reshape(1, SMALLEST_SIDE, SMALLEST_SIDE) / 127.5 - 1
    grid = dots(picture_grid([[picture]], [""], ["grey"]))
    assert grid[-SMALLEST_SIDE:].tobytes() == levels(picture).tobytes()


def test_a_picture_too_large_is_averaged_over_whole_blocks() -> None:
    picture = torch.rand(1, 1000, 200, generator=torch.Generator().manual_seed(1)) * 2 - 1
    grid = dots(picture_grid([[picture]], [""], [""]))[-500:]
    blocks = (picture[0].double().numpy().reshape(500, 2, 100, 2).mean(axis=(1, 3)) + 1) * 127.5
    assert LARGEST_SIDE == 768
    assert np.abs(grid[:, :100, 0] - blocks).max() <= 0.51


def test_rows_and_columns_keep_their_order_and_none_stays_white() -> None:
    def flat(value: float) -> Tensor:
        return torch.full((1, SMALLEST_SIDE, SMALLEST_SIDE), value)

    grid = dots(picture_grid([[flat(-1.0), flat(-0.5)], [None, flat(0.5)]], ["a", "b"], ["c", "d"]))
    half = SMALLEST_SIDE // 2
    bottom, right = grid.shape[0] - half, grid.shape[1] - half
    upper, left = bottom - SMALLEST_SIDE, right - SMALLEST_SIDE
    centres = [grid[y, x, 0] for y in (upper, bottom) for x in (left, right)]
    assert centres == [0, 64, 255, 191]


def test_pictures_of_other_sizes_are_centred_in_their_cells() -> None:
    wide, tall = -torch.ones(1, 192, 384), -torch.ones(1, 384, 192)
    grid = dots(picture_grid([[wide], [tall]], ["", ""], [""]))
    black = (grid == 0).all(axis=2)
    columns_of_tall = np.flatnonzero(black[-384:].all(axis=0))
    assert (columns_of_tall[0], columns_of_tall[-1]) == (96, 287)


def test_labels_are_drawn_beside_and_above_and_never_cut_off() -> None:
    picture = -torch.ones(1, 8, 8)
    label = "a rather long label with W" + "W" * 60
    grid = dots(picture_grid([[picture]], [label], [label]))
    assert (grid[:, -SMALLEST_SIDE:] < 255).any()
    assert grid.shape[1] > SMALLEST_SIDE
    frame = np.concatenate([grid[0], grid[: -SMALLEST_SIDE - 1, 0], grid[: -SMALLEST_SIDE - 1, -1]])
    assert (frame > 200).all()


@pytest.mark.parametrize("label", ["$x_{", "<script>.png", "a\nb", "\U0001f600\udcff", "_x", "肺"])
def test_any_label_can_be_drawn(label: str) -> None:
    dots(picture_grid([[torch.zeros(1, 8, 8)]], [label], [label]))


def test_pictures_of_a_running_network_can_be_drawn_as_they_are() -> None:
    picture = torch.zeros(3, 8, 8, dtype=torch.bfloat16, requires_grad=True)
    assert dots(picture_grid([[picture]], [""], [""]))[-1, -1].tolist() == [128, 128, 128]


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (torch.zeros(2, 4, 4), r"\(1 or 3, height, width\)"),
        (torch.zeros(1, 1, 4, 4), r"\(1 or 3, height, width\)"),
        (torch.zeros(1, 0, 4), r"\(1 or 3, height, width\)"),
        (torch.full((1, 4, 4), 200.0), r"\[-1, 1\]"),
        (torch.full((1, 4, 4), torch.nan), r"\[-1, 1\]"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_place(picture: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=f"'out' of row 1.*{message}"):
        picture_grid([[torch.zeros(1, 4, 4)], [picture]], ["a", "b"], ["out"])


@pytest.mark.parametrize(
    ("rows", "row_labels", "column_labels"),
    [([], [], []), ([[None]], ["a", "b"], ["c"]), ([[None]], ["a"], ["b", "c"])],
)
def test_labels_that_do_not_match_are_refused(
    rows: list[list[None]], row_labels: list[str], column_labels: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match="a label for each row and column"):
        picture_grid(rows, row_labels, column_labels)


def test_a_gallery_holds_each_picture_by_itself_under_its_own_words() -> None:
    film, mask = torch.zeros(3, 8, 8), torch.ones(1, 8, 8)
    shown = gallery([[film, mask], [None, mask]], ["first", ""], ["film", "mask"], "Two films.")
    assert [[picture.caption for picture in row] for row in shown.rows] == [["film", "mask"], ["mask"]]
    assert [[picture.alt for picture in row] for row in shown.rows] == [["film, first", "mask, first"], ["mask, row 2"]]
    assert (shown.labels, shown.caption) == (["first", ""], "Two films.")
    assert dots(shown.rows[0][1].png).tobytes() == b"\xff" * SMALLEST_SIDE**2 * 3


def test_a_gallery_without_pictures_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one picture in each"):
        gallery([[None]], [""], ["film"])
    with pytest.raises(InputError, match="scale it first"):
        gallery([[torch.full((1, 8, 8), 2.0)]], [""], ["film"])
