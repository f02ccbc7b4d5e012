"""What a decoding process says is numbers and short texts, and nothing is believed that no image could be."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from piggygan.data.dicom.description import DicomDescription
from piggygan.data.dicom.identity import Identity
from piggygan.data.dicom.source import SourceImage
from piggygan.data.image_file import ImageFile
from piggygan.data.untrusted.answers import answer_of, checked_answer, error_answer
from piggygan.data.untrusted.talking import ChildEnded
from piggygan.errors import (
    DecoderCrashError,
    DicomError,
    ImageError,
    InputTooLargeError,
)


def test_nothing_that_a_child_says_is_believed_that_no_image_could_be() -> None:
    whole = {
        "digest": "0" * 64, "kind": "DICOM", "bits": 8, "aspect": 1.0, "film": None, "remarks": [],
        "source": {
            "sop_class": "1.2", "sop_instance": "1.2", "study": "1.2", "series": "1.2", "frame_of_reference": None,
            "laterality": None, "identity": {"values": {"PatientID": "7 "}, "left_out": []},
        },
    }  # fmt: skip
    assert checked_answer({"bands": [1, 2, 2], "file": whole}, 3, 100).height == 2
    film = {
        "modality": None, "body_part": None, "view": None, "position_is_known": True, "burned_in": None,
        "was_lossy": None, "aspect": 1.0, "spacing": [0.2, 0.1], "is_program": False,
    }  # fmt: skip
    believed = checked_answer({"bands": [1, 2, 2], "file": {**whole, "film": film}}, 3, 100).rest["film"]
    assert believed.spacing == (0.2, 0.1)
    nonsense: list[Any] = [
        {},
        [],
        {"bands": [1, 2, 2]},
        {"bands": [2, 2, 2], "file": whole},
        {"bands": [1, 2, 51], "file": whole},
        {"bands": [1, -1, -1], "file": whole},
        {"bands": [1, 2, 2], "file": {**whole, "digest": "x"}},
        {"bands": [1, 2, 2], "file": {**whole, "aspect": float("nan")}},
        {"bands": [1, 2, 2], "file": {**whole, "source": {**whole["source"], "study": "../x"}}},  # type: ignore[dict-item]
        *(
            {"bands": [1, 2, 2], "file": {**whole, "source": {**whole["source"], **wrong}}}  # type: ignore[dict-item]
            for wrong in (
                {"laterality": "U"},
                {"frame_of_reference": "x"},
                {"identity": {"values": {"PatientID": "\x1b[2J\n"}, "left_out": []}},
                {"identity": {"values": {"PatientID": "\u20ac"}, "left_out": []}},
                {"identity": {"values": {"PatientID": 7}, "left_out": []}},
                {"identity": {"values": {"PixelData": "7"}, "left_out": []}},
                {"identity": {"values": {"PatientBirthDate": "once"}, "left_out": []}},
                {"identity": {"values": {"PatientID": "7" * 2000}, "left_out": []}},
                {"identity": {"values": {}, "left_out": ["Plantagenet"]}},
                {"identity": {"values": {}}},
                {"identity": 7},
                {"more": 7},
            )
        ),
        {"bands": [1, 2, 2], "file": {**whole, "film": {**film, "spacing": [0.2, -0.1]}}},
        {"bands": [1, 2, 2], "file": {**whole, "film": {**film, "spacing": [0.2]}}},
        {"bands": [1, 2, 2], "file": {**whole, "more": 1}},
        {"error": "__loader__", "message": ""},
        {"error": "PiggyganError.__init__", "message": ""},
    ]
    for answer in nonsense:
        with pytest.raises(ChildEnded, match="nonsense"):
            checked_answer(answer, 3, 100)
    with pytest.raises(ImageError) as caught:
        checked_answer({"error": "ImageError", "message": "\x1b[2J\u202e" + "x" * 10_000}, 3, 100)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 5_000


def film_file(**changed: Any) -> ImageFile:
    description = DicomDescription(
        modality="CR",
        body_part="CHEST",
        view="PA",
        position_is_known=True,
        burned_in=None,
        was_lossy=False,
        aspect=1.5,
        spacing=(0.3, 0.2),
        is_program=False,
        spacing_from="PixelSpacing",
    )
    file = ImageFile(
        (torch.rand(1, 2, 4) * 2 - 1).expand(3, -1, -1),
        "a" * 64,
        "DICOM",
        12,
        1.5,
        description,
        SourceImage("1.2", "1.3", "1.4", "1.5", "1.6", "L", Identity({"PatientID": "\xe4\x1b$B"}, ("PatientSex",))),
        ("odd", "very odd"),
    )
    return replace(file, **changed)


@pytest.mark.parametrize(
    "file",
    [film_file(), film_file(film=None, source=None, remarks=()), film_file(picture=torch.rand(3, 2, 4), kind="PNG")],
    ids=["film", "nothing said", "colour"],
)
def test_a_file_comes_through_as_it_was(file: ImageFile) -> None:
    said, bands = answer_of(file)
    assert bands.shape[0] == (1 if file.picture.stride(0) == 0 else 3)  # equal bands are sent once
    answered = checked_answer(json.loads(json.dumps(said)), 3, 8)
    assert (answered.bands, answered.height, answered.width) == (bands.shape[0], 2, 4)
    whole = answered.with_picture(bands, 3)
    assert torch.equal(whole.picture, file.picture)
    assert replace(whole, picture=file.picture) == file


def test_an_error_comes_through_as_it_was() -> None:
    for error in (DicomError("one"), InputTooLargeError("two"), DecoderCrashError("three"), ImageError("four")):
        with pytest.raises(type(error), match=f"^{error}$") as caught:
            checked_answer(json.loads(json.dumps(error_answer(error))), 3, 8)
        assert type(caught.value) is type(error)


@pytest.mark.parametrize("kind", ["TrainingInterruptedError", "PiggyganError", "RegistryError", "SystemExit", "x", ""])
def test_an_error_that_no_file_has_is_nonsense(kind: str) -> None:
    # The first of them is a SystemExit: a file that took the child over would end this program.
    with pytest.raises(ChildEnded, match="nonsense"):
        checked_answer({"error": kind, "message": "x"}, 3, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"bands": [1, 2.0, 4]},
        {"bands": [True, 2, 4]},
        {"bands": [1, "2", 4]},
        {"bands": [1, float("inf"), 4]},
        {"bands": [1, 2]},
        {"bands": [1, 0, 4]},
        {"digest": 10**63},
        {"digest": "A" * 64},
        {"bits": True},
        {"bits": -8},
        {"bits": 0},
        {"bits": 8.0},
        {"aspect": 1},
        {"aspect": -1.0},
        {"aspect": float("inf")},
        {"kind": "GIF"},
        {"remarks": 5},
        {"film": []},
        {"film": {"modality": "CR"}},
        {"film": {"aspect": "wide"}},
        {"film": {"is_program": "no"}},
        {"film": {"spacing_from": "Plantagenet"}},
        {"film": {"burned_in": 0}},
        {"source": {"study": "1.2"}},
    ],
    ids=str,
)
def test_what_is_of_another_type_or_beyond_its_bounds_is_nonsense(change: dict[str, Any]) -> None:
    said, _ = answer_of(film_file())
    assert checked_answer(said, 3, 8).height == 2
    film = change.get("film")
    if isinstance(film, dict) and "modality" not in film:
        change = {"film": {**said["file"]["film"], **film}}
    changed = {**said, **change} if "bands" in change else {**said, "file": {**said["file"], **change}}
    with pytest.raises(ChildEnded, match="nonsense"):
        checked_answer(changed, 3, 8)


def test_texts_of_a_description_move_no_cursor() -> None:
    said, _ = answer_of(film_file())
    said["file"]["film"] |= {"modality": "\x1b[2J", "view": "x" * 100_000, "body_part": None}
    said["file"]["remarks"] = ["\x1b]0;title\x07"]
    rest = checked_answer(said, 3, 8).rest
    assert rest["film"].modality == "\\x1b[2J"
    assert len(rest["film"].view) < 5_000
    assert rest["film"].body_part is None
    assert rest["remarks"] == ("\\x1b]0;title\\x07",)
