"""The journal: whole lines, the last of a film counts, and what cannot be read costs its film only."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from piggygan.prediction import journal as journal_module
from piggygan.prediction.findings import Finding
from piggygan.prediction.journal import FilmRecord, Journal, film_line, now, refused_line
from piggygan.prediction.summary import PredictedFile, PredictionRun, RefusedFile

BEGUN = {"record": "begun", "task": "lungs"}
RUN = {"record": "run", "run": vars(PredictionRun(now(), None, "sha256:0", "2", 1, 0, None))}


def film(source: str, name: str | None = None) -> dict[str, Any]:
    name = name or Path(source).stem
    outputs = {"masks": f"masks/{name}.png"}
    file = PredictedFile(source, outputs, 2, 3, 0.5, "a", ("odd",), (Finding("parts", 2),), {"masks": "b"}, at=now())
    return film_line(FilmRecord(file, name, 10, 20, 0.1))


def refused(source: str) -> dict[str, Any]:
    return refused_line(RefusedFile(source, "ImageError", "is cut"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def opened(path: Path) -> Journal:
    return Journal(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND))


@pytest.fixture
def written(path: Path) -> Iterator[Journal]:
    journal = opened(path)
    journal.append([BEGUN, RUN, film("a.png"), refused("b.png"), film("c.png")])
    yield journal
    journal.close()


def test_what_was_written_is_there_when_it_is_opened_again(path: Path, written: Journal) -> None:
    again = opened(path)
    assert again.begun == BEGUN
    assert [run.registry for run in again.runs] == ["sha256:0"]
    assert (again.predicted_count, again.refused_count, again.dropped) == (2, 1, 0)
    assert list(again.predicted(["c.png"])) == list(written.predicted(["c.png"]))
    assert [file.source for file in again.predicted(["c.png"])] == ["c.png", "a.png"]
    assert [file.source for file in again.refused([])] == ["b.png"]
    record = again.record_of("a.png")
    assert record is not None
    assert (record.name, record.size, record.modified) == ("a", 10, 20)
    assert record.file.findings == (Finding("parts", 2),)
    assert again.names() == {"a.png": "a", "c.png": "c"}
    again.close()


def test_the_last_record_of_a_film_counts(written: Journal) -> None:
    written.append([film("b.png"), film("a.png", "other"), refused("c.png")])
    assert (written.predicted_count, written.refused_count) == (3, 1)  # c is there, and is another film by now
    assert written.names()["a.png"] == "other"
    assert not written.was_refused("b.png")
    written.append([{"record": "kept", "source": "c.png"}, {"record": "ended", "at": "then"}])
    assert written.refused_count == 0
    assert [run.ended for run in written.runs] == ["then"]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("kept", [1, 20, 200])
def test_half_of_a_last_line_is_dropped_and_the_next_one_is_whole(path: Path, kept: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps(film("d.png")).encode()[:kept])
    again = opened(path)
    assert path.read_bytes() == whole
    again.append([film("e.png")])
    assert opened(path).names() == {"a.png": "a", "c.png": "c", "e.png": "e"}
    assert (again.predicted_count, again.dropped) == (3, 0)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"null", b"[]", b"\0" * 40, b"\xff", b'{"record": "no"}', b'{"record": "predicted"}', b"[" * 9999],
)
def test_a_line_that_cannot_be_read_costs_itself(path: Path, line: bytes) -> None:
    lines = path.read_bytes().splitlines()
    lines[2] = line
    path.write_bytes(b"\n".join(lines) + b"\n")
    again = opened(path)
    assert (again.dropped, again.names()) == (1, {"c.png": "c"})


@pytest.mark.parametrize("name", ["../a", "/etc/a", "b/../../a"])
def test_an_output_that_leaves_the_folder_is_none(path: Path, written: Journal, name: str) -> None:
    with pytest.raises(ValueError, match="in its folder"):
        written.append([film("d.png", name)])
    assert opened(path).dropped == 1
    assert "d.png" not in opened(path).names()


def test_where_the_disk_is_full_nothing_is_half_written(
    path: Path, written: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = path.read_bytes(), os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 300:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(journal_module.os, "write", half)
    with pytest.raises(OSError, match="No space"):
        written.append([film("d.png"), film("e.png")])
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert written.predicted_count == 2
    written.append([film("d.png")])
    assert set(opened(path).names()) == {"a.png", "c.png", "d.png"}


def test_names_that_are_no_text_come_back(path: Path, written: Journal) -> None:
    source = os.fsdecode(b"\xff\n\xe2\x80\xae.png")
    written.append([film(source)])
    assert path.read_bytes().isascii()
    assert source in opened(path).names()
