"""What is made of one output: every file of it, on the film's own rows and columns."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.dicom.source import SourceImage
from piggygan.data.framing import Placement
from piggygan.errors import InputError, PredictionError
from piggygan.prediction import PredictionOptions
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.films import Film
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.results import Products, hard_mask, products_of

ALGORITHM = Algorithm("lungs", "a" * 64, {"size": "16"})


def film(rows: int = 10, columns: int = 12, source: SourceImage | None = None) -> Film:
    return Film(
        InputFile(Path("film.png"), "film", may_be_dicom=False),
        "0" * 64,
        Placement(rows, columns, rows, columns, 16, 16),
        torch.zeros(1, 16, 16),
        np.zeros((rows, columns, 3), dtype=np.uint8),
        source,
        ("odd",),
    )


def soft(channels: int = 1) -> torch.Tensor:
    """The upper three rows of a film of 10 x 12 in the middle of its canvas are foreground."""
    output = torch.full((channels, 16, 16), -0.5)
    output[:, 3:6, 2:14] = 0.5
    return output


def made(output: torch.Tensor, kind: Any = "mask", of: Film | None = None) -> Products:
    return products_of(of or film(), output, kind, PredictionOptions(size=16), ALGORITHM)


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_mask_and_its_overlay_lie_on_the_film() -> None:
    products = made(soft())
    assert set(products.contents) == {"masks/film.png", "overlays/film.png"}
    mask = pixels(products.contents["masks/film.png"])
    assert mask.shape == (products.rows, products.columns) == (10, 12)
    assert (mask[:3] == 255).all()
    assert (mask[3:] == 0).all()
    assert products.foreground == pytest.approx(0.3)
    assert (products.sha256, products.remarks) == ("0" * 64, ("odd",))
    assert pixels(products.contents["overlays/film.png"]).shape == (10, 12, 3)


def test_a_picture_is_a_picture_alone_without_a_foreground() -> None:
    products = made(soft(3), "picture")
    assert set(products.contents) == {"pictures/film.png"}
    assert products.foreground is None
    assert sorted(np.unique(pixels(products.contents["pictures/film.png"])).tolist()) == [64, 191]


def test_a_film_with_identifiers_gets_a_segmentation() -> None:
    pytest.importorskip("highdicom")
    source = SourceImage("1.2.840.10008.5.1.4.1.1.1", "1.3", "1.4", "1.5")
    assert made(soft(), of=film(source=source)).contents["segmentations/film.dcm"][128:132] == b"DICM"


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["mask", "picture"])
def test_d07_of_what_is_no_number_nothing_is_made(wrong: float, kind: str) -> None:
    output = soft()
    output[0, 0, 0] = wrong  # outside of the film, on its canvas: the network is broken all the same
    with pytest.raises(PredictionError, match="values that are no numbers"):
        made(output, kind)


def test_d07_a_picture_beyond_its_range_is_refused_and_a_mask_is_not() -> None:
    with pytest.raises(InputError, match="outside \\[-1, 1\\]"):
        made(10 * soft(), "picture")
    assert made(10 * soft()).foreground == pytest.approx(0.3)


def test_nought_is_background_and_parts_and_holes_are_tidied_in_this_order() -> None:
    pytest.importorskip("scipy")
    values = torch.full((1, 12, 12), -1.0)
    values[0, 1:6, 1:6] = 1.0
    values[0, 3, 3] = 0.0  # a hole: nought is background
    values[0, 9, 9] = 1.0
    plain = hard_mask(values, PredictionOptions())
    assert plain.sum() == 25
    assert not plain[3, 3]
    assert hard_mask(values, PredictionOptions(largest=1)).sum() == 24
    assert hard_mask(values, PredictionOptions(fill_holes=True)).sum() == 26
    both = hard_mask(values, PredictionOptions(largest=1, fill_holes=True))
    assert both.sum() == 25
    assert both[3, 3]
