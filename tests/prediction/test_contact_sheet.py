"""The page of doubt: the worst first, films inside it, and nothing fetched."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

import piggygan as pg
from piggygan.cli import main
from piggygan.errors import ConfigurationError, PredictionError
from piggygan.prediction import PredictionOptions
from piggygan.prediction.contact_sheet import margin_of, write_contact_sheet
from piggygan.prediction.mask_shape import MaskShape
from piggygan.prediction.rules import rules_of
from piggygan.registry import TaskRegistry


def lungs(*, parts: int = 2, height: int = 20) -> np.ndarray:
    mask = np.zeros((32, 32), dtype=np.uint8)
    for left in (3, 19)[:parts]:
        mask[4 : 4 + height, left : left + 9] = 255
    return mask


@pytest.fixture
def predicted(tmp_path: Path, mirror_registry: TaskRegistry, make_mirror: Callable[..., nn.Module]) -> Path:
    masks = {"good": lungs(), "low": lungs(height=6), "one": lungs(parts=1)}
    for name, mask in masks.items():
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    films = [tmp_path / f"{name}.png" for name in masks]
    pg.predict(mirror_registry, "lungs", films, tmp_path / "out", PredictionOptions(size=32), generator=make_mirror())
    return tmp_path / "out"


def test_the_worst_come_first_with_the_reason_and_their_film(predicted: Path, tmp_path: Path) -> None:
    doubts = write_contact_sheet(predicted, tmp_path / "page.html")
    assert [doubt.name for doubt in doubts] == ["one", "low", "good"]
    assert [bool(doubt.says) for doubt in doubts] == [True, False, False]
    assert doubts[0].margin < 0 < doubts[1].margin < doubts[2].margin
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.index("one: The mask has 1 part") < text.index("low: as required") < text.index("good: as required")
    assert "This page shows films" in text
    assert not re.search(r"(src|href)=[\"']?https?:", text)
    shown = [
        Image.open(io.BytesIO(base64.b64decode(found))) for found in re.findall(r"data:image/png;base64,([^\"]+)", text)
    ]
    assert [image.size for image in shown] == [(32, 32)] * 3


def test_a_mask_that_nobody_is_sure_of_comes_before_one_that_is_near_no_limit(predicted: Path, tmp_path: Path) -> None:
    summary = json.loads((predicted / "summary.json").read_text())
    by_name = {Path(file["source"]).stem: file for file in summary["predicted"]}
    by_name["good"]["findings"] = [
        {"name": "expected_dice", "value": 0.41, "says": ""},
        {"name": "review", "value": True, "says": "its mask is expected to have a Dice of 0.41"},
    ]
    (predicted / "summary.json").write_text(json.dumps(summary))
    doubts = write_contact_sheet(predicted, tmp_path / "page.html")
    assert [(doubt.name, doubt.margin) for doubt in doubts if doubt.name != "low"] == [("one", -1.0), ("good", -0.09)]
    assert doubts[1].says.endswith("a Dice of 0.41")


def test_only_so_many_are_shown(predicted: Path, tmp_path: Path) -> None:
    assert len(write_contact_sheet(predicted, tmp_path / "page.html", most=1)) == 3
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("data:image/png") == 1
    assert "good: as required" not in text


def test_what_cannot_be_shown_is_refused_and_nothing_is_overwritten(predicted: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(ConfigurationError, match="did you mean 'lungs'"):
        write_contact_sheet(predicted, page, rules="lung")
    with pytest.raises(ConfigurationError, match="most is 0; show at least 1"):
        write_contact_sheet(predicted, page, most=0)
    with pytest.raises(PredictionError, match="give what predict wrote"):
        write_contact_sheet(predicted / "masks", page)
    with pytest.raises(PredictionError, match="could not be written"):
        write_contact_sheet(predicted, tmp_path / "missing/page.html")
    assert not page.exists()
    page.write_text("mine")
    with pytest.raises(PredictionError, match="nothing is overwritten"):
        write_contact_sheet(predicted, page)
    assert page.read_text() == "mine"


def test_a_margin_is_to_the_nearest_limit() -> None:
    shape = MaskShape(area=0.2, parts=2, left=0.5, border=0.0)
    assert margin_of(rules_of("area=0.1..0.5,left=0.3..0.7"), shape) == 0.25
    assert margin_of(rules_of("area=0.3..0.5"), shape) == -0.5
    assert margin_of(rules_of("parts=2,border<=0.1"), shape) == 0.5
    assert margin_of(rules_of("parts=1"), shape) == -1.0


def test_the_command_names_what_is_doubtful(
    predicted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", str(predicted), "--out", str(tmp_path / "page.html")]) == 0
    doubtful, total = capsys.readouterr().out.splitlines()
    assert doubtful.startswith("doubtful: 'one': The mask has 1 part")
    assert total.startswith("3 masks, 1 doubtful; the page shows films: ")
    assert main(["review", str(predicted), "--out", str(tmp_path / "page.html")]) == 2
