"""Masks that are there: what predicting wrote, or a folder of them; what is neither is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from piggygan.errors import DatasetError, PiggyganError, PredictionError
from piggygan.prediction.mask_folder import MaskFile, open_masks

DIGEST = "a" * 64


def write_masks(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.eye(3, dtype=np.uint8) * 255).save(folder / name)


def said(**changed: Any) -> dict[str, Any]:
    file = {"source": "films/1.dcm", "outputs": {"masks": "masks/1.png"}, "sha256": DIGEST}
    return {"kind": "mask", "task": "lungs", "certificate": "b" * 64, "predicted": [{**file, **changed}]}


def test_what_predicting_wrote_says_of_which_film_a_mask_is(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(json.dumps(said()))
    found = open_masks(tmp_path)
    assert (found.task, found.certificate) == ("lungs", "b" * 64)
    (mask,) = found.masks
    assert mask == MaskFile("1", tmp_path / "masks/1.png", "films/1.dcm", DIGEST)
    assert mask.key == DIGEST


@pytest.mark.parametrize("below", ["", "masks"])
def test_any_folder_of_masks_does_in_the_order_of_names(tmp_path: Path, below: str) -> None:
    write_masks(tmp_path / below, "b.png", "a.png", ".hidden.png")
    (tmp_path / below / "notes.txt").write_text("")
    found = open_masks(tmp_path)
    assert [(mask.name, mask.key, mask.film) for mask in found.masks] == [("a", "a", None), ("b", "b", None)]
    assert found.task is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({**said(), "predicted": None}),
        json.dumps(said(outputs={})),
        json.dumps(said(outputs={"masks": "../masks/1.png"})),
        json.dumps(said(outputs={"masks": "masks/../../1.png"})),
        json.dumps(said(outputs={"masks": 7})),
        json.dumps(said(sha256="7")),
    ],
)
def test_a_summary_that_is_none_is_refused_and_nothing_outside_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "summary.json").write_text(content)
    with pytest.raises(PredictionError, match="is not what predicting writes"):
        open_masks(tmp_path)


def test_pictures_and_folders_without_masks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no masks"):
        open_masks(tmp_path)
    with pytest.raises(DatasetError, match="No such file"):
        open_masks(tmp_path / "missing")
    (tmp_path / "summary.json").write_text(json.dumps({**said(), "kind": "picture"}))
    with pytest.raises(PredictionError, match="holds pictures"):
        open_masks(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(PiggyganError):
        open_masks(tmp_path / "file")
    write_masks(tmp_path / "two", "a.png", "a.bmp")
    with pytest.raises(DatasetError, match="two masks of the name 'a'"):
        open_masks(tmp_path / "two")
