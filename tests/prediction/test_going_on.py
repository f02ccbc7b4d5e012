"""Going on in a folder: what is there is kept if it is what it was, and nothing of another prediction is touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.errors import PredictionError
from piggygan.prediction import PredictionOptions, PredictionSummary
from piggygan.prediction.folder import JOURNAL
from piggygan.registry import TaskRegistry

SMALL = PredictionOptions(size=32)
Predict = Callable[..., PredictionSummary]


def draw(path: Path, level: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 30), level, dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def films(tmp_path: Path) -> Path:
    for name in "abc":
        draw(tmp_path / f"films/{name}.png")
    return tmp_path / "films"


@pytest.fixture
def predict(registry: TaskRegistry, films: Path, tmp_path: Path) -> Predict:
    def predict(options: PredictionOptions = SMALL, **named: Any) -> PredictionSummary:
        return pg.predict(named.pop("registry", registry), "lungs", films, tmp_path / "out", options, **named)

    return predict


def inodes(out: Path) -> dict[str, int]:
    return {str(path.relative_to(out)): path.stat().st_ino for path in out.glob("*/*")}


def test_the_same_again_makes_nothing_and_says_the_same(predict: Predict, tmp_path: Path) -> None:
    first = predict()
    before = inodes(tmp_path / "out")
    again = predict()
    assert inodes(tmp_path / "out") == before
    assert again.predicted == first.predicted
    assert [run.ended is not None for run in again.runs] == [True, True]
    assert json.loads((tmp_path / "out/summary.json").read_text()) == json.loads(json.dumps(again.as_dict()))


def test_what_is_missing_is_made_again_and_new_films_too(predict: Predict, films: Path, tmp_path: Path) -> None:
    predict()
    masks = tmp_path / "out/masks"
    content = (masks / "b.png").read_bytes()
    (masks / "b.png").unlink()
    kept = inodes(tmp_path / "out")
    draw(films / "a/deeper.png")
    draw(films / "0.png")
    draw(films / "a.jpg")
    found = predict(recursive=True)
    assert (masks / "b.png").read_bytes() == content
    assert inodes(tmp_path / "out").items() >= kept.items()
    named = {Path(file.source).name: file.outputs["masks"] for file in found.predicted}
    assert named == {
        "0.png": "masks/0.png",
        "deeper.png": "masks/a/deeper.png",
        "a.jpg": "masks/a-2.png",  # which comes first in order, and second
        "a.png": "masks/a.png",
        "b.png": "masks/b.png",
        "c.png": "masks/c.png",
    }


def test_a_mask_that_somebody_corrected_stays_and_is_said(predict: Predict, tmp_path: Path) -> None:
    predict()
    (tmp_path / "out/masks/b.png").write_bytes(b"by hand")
    found = predict()
    assert (tmp_path / "out/masks/b.png").read_bytes() == b"by hand"
    (refused,) = found.refused
    assert "b.png' is not what was written, and nothing is overwritten: take it away" in refused.reason
    (tmp_path / "out/masks/b.png").unlink()
    assert predict().refused == ()


def test_a_film_of_other_bytes_is_refused_until_it_is_what_it_was(
    predict: Predict, films: Path, tmp_path: Path
) -> None:
    predict()
    former, before = (films / "b.png").read_bytes(), inodes(tmp_path / "out")
    draw(films / "b.png", 200)
    (refused,) = predict().refused
    assert "has other bytes than when it was predicted" in refused.reason
    assert predict().refused == (refused,)
    (films / "b.png").write_bytes(former)  # another time, the same bytes
    assert predict().refused == ()
    assert inodes(tmp_path / "out") == before
    (films / "b.png").unlink()
    assert len(predict().predicted) == 3  # what was predicted stays


def test_what_was_refused_is_tried_again(predict: Predict, films: Path) -> None:
    whole = (films / "b.png").read_bytes()
    (films / "b.png").write_bytes(whole[:20])
    assert [file.error for file in predict().refused] == ["ImageError"]
    (films / "b.png").write_bytes(whole)
    found = predict()
    assert (len(found.predicted), found.refused) == (3, ())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 64}, "size 32 (this is 64)"),
        ({"fit": "pad", "largest": 2}, "fit 'stretch' (this is 'pad'), largest None (this is 2)"),
        ({"batch_size": 2}, "batch_size 1 (this is 2)"),
    ],
)
def test_other_options_are_refused_in_words_and_nothing_is_touched(
    predict: Predict, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    predict()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(PredictionError, match="nothing is overwritten") as refusal:
        predict(PredictionOptions(**{"size": 32, **options}))
    assert said in str(refusal.value)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    predict(PredictionOptions(size=32, untrusted=True))  # which changes nothing of what is written


def test_another_task_or_other_tensors_are_refused_and_a_new_head_is_noted(
    predict: Predict, registry: TaskRegistry, films: Path, tmp_path: Path
) -> None:
    def committed(name: str, seed: int) -> TaskRegistry:
        torch.manual_seed(seed)
        model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
        model.freeze_task("lungs")
        made = TaskRegistry(tmp_path / name)
        made.commit(model, "lungs")
        return made

    mine = committed("mine", 1)
    predict(registry=mine)
    with pytest.raises(PredictionError, match=r"certificate '[0-9a-f]{64}' \(this is '"):
        predict(registry=committed("other", 2))
    with pytest.raises(PredictionError, match=r"task 'lungs' \(this is 'facades'\)"):
        pg.predict(registry, "facades", films, tmp_path / "out", SMALL)
    model = mine.load()
    model.add_task("hearts")
    model.freeze_task("hearts")
    mine.commit(model, "hearts")
    heads = {run.registry for run in predict(registry=mine).runs}
    assert heads == {run.registry for run in predict(registry=mine).runs}
    assert len(heads) == 2


def test_a_journal_without_its_beginning_is_refused(predict: Predict, tmp_path: Path) -> None:
    predict()
    journal = tmp_path / "out" / JOURNAL
    journal.write_bytes(b"\n" + journal.read_bytes().partition(b"\n")[2])
    with pytest.raises(PredictionError, match="does not say any more what predicted"):
        predict()


def test_a_lost_journal_makes_all_again_and_takes_what_is_the_same(predict: Predict, tmp_path: Path) -> None:
    predict()
    (tmp_path / "out" / JOURNAL).write_bytes(b"")
    before = inodes(tmp_path / "out")
    found = predict()
    assert len(found.predicted) == 3
    assert inodes(tmp_path / "out") == before


@pytest.mark.parametrize("name", [b"two\nlines.png", b"\xff\xfe.png", "left\u202egnp.exe.png".encode(), b"-rf.png"])
def test_strange_names_are_gone_on_with(predict: Predict, films: Path, tmp_path: Path, name: bytes) -> None:
    draw(films / "z.png").rename(Path(os.fsdecode(os.fsencode(films) + b"/" + name)))
    first = predict()
    assert len(first.predicted) == 4
    before = inodes(tmp_path / "out")
    assert predict().predicted == first.predicted
    assert inodes(tmp_path / "out") == before
