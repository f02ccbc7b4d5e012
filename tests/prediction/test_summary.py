"""What came of a prediction, as plain values and as JSON."""

from __future__ import annotations

import json
import os

from piggygan.prediction import PredictionOptions
from piggygan.prediction.inputs import PassedBy
from piggygan.prediction.summary import PredictedFile, PredictionSummary, RefusedFile
from piggygan.terminal.about import INTENDED_USE, __version__

SUMMARY = PredictionSummary(
    task="lungs",
    certificate="a" * 64,
    kind="mask",
    options=PredictionOptions(size=32),
    predicted=(
        PredictedFile("film.png", {"masks": "masks/film.png"}, 10, 12, 0.25, "b" * 64, ("odd",)),
        PredictedFile("photo.png", {"pictures": "pictures/photo.png"}, 1, 2, None, "c" * 64, ()),
    ),
    refused=(RefusedFile("text.png", "ImageError", "is no image"),),
    passed_by=(PassedBy("notes.txt", "is no image by its name"),),
)


def test_everything_is_in_it_with_the_version_and_the_intended_use() -> None:
    fields = SUMMARY.as_dict()
    assert (fields["piggygan"], fields["intended_use"]) == (__version__, INTENDED_USE)
    assert (fields["task"], fields["certificate"], fields["kind"]) == ("lungs", "a" * 64, "mask")
    assert fields["options"]["size"] == 32
    assert [file["foreground"] for file in fields["predicted"]] == [0.25, None]
    assert fields["refused"] == ({"source": "text.png", "error": "ImageError", "reason": "is no image"},)
    assert fields["passed_by"][0]["source"] == "notes.txt"


def test_json_says_the_same_and_ends_in_one_line_feed() -> None:
    text = SUMMARY.to_json()
    assert json.loads(text) == json.loads(json.dumps(SUMMARY.as_dict()))
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")


def test_names_that_are_no_text_are_written_in_ascii_and_come_back() -> None:
    name = os.fsdecode(b"\xff\n\xc3\xa4.png")
    summary = PredictionSummary(
        "lungs", "", "mask", PredictionOptions(), (), (RefusedFile(name, "ImageError", "\x1b"),)
    )
    text = summary.to_json()
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["refused"][0]["source"] == name
