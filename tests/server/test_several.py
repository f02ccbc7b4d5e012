"""Several answers in one."""

from __future__ import annotations

import io
import json
import zipfile
from email import message_from_bytes

import pytest

from piggygan.errors import DicomError
from piggygan.server.answers import Answer
from piggygan.server.problems import Refusal
from piggygan.server.several import Outcome, packed, unused_names

GOOD = Outcome("ä", Answer("image/png", b"\r\n--png", {"kind": "mask"}))
BAD = Outcome("b", DicomError("it is cut"))


def test_names_are_unlike_and_lead_nowhere() -> None:
    given = ["../../etc/passwd", "C:\\films\\a.dcm", "A.png", ".hidden", "x\r\ny.png", "ö" * 200, "con/.."]
    assert unused_names(given) == ["passwd", "a", "A-2", "hidden", "x_y", "ö" * 60, "file"]


def test_an_archive_holds_what_could_be_answered_and_says_what_could_not() -> None:
    content, kind = packed([GOOD, BAD], "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert kind == "application/zip"
    assert archive.namelist() == ["ä.png", "summary.json"]
    assert archive.read("ä.png") == b"\r\n--png"
    assert json.loads(archive.read("summary.json"))[1]["error"] == "DicomError"


def test_parts_are_those_of_the_standard_library() -> None:
    content, kind = packed([GOOD, BAD], "multipart/mixed")
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
    png, summary = message.get_payload()  # type: ignore[misc]
    assert png.get_content_type() == "image/png"  # type: ignore[union-attr]
    assert png["Piggygan-Kind"] == "mask"  # type: ignore[index]
    assert json.loads(summary.get_payload())[0]["file"] == "ä.png"  # type: ignore[union-attr]


def test_no_answer_at_all_is_a_refusal() -> None:
    with pytest.raises(Refusal) as refused:
        packed([BAD, BAD], "application/zip")
    assert (refused.value.status, refused.value.kind) == (422, "DicomError")
    assert len(refused.value.fields["files"]) == 2
