"""What was made gets its names after its record; what is somebody else's is not touched."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from piggygan.errors import PredictionError
from piggygan.prediction.folder import PredictionFolder
from piggygan.prediction.journal import FilmRecord
from piggygan.prediction.making import Made
from piggygan.prediction.summary import PredictedFile, RefusedFile
from piggygan.prediction.writing import Writer


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[PredictionFolder]:
    folder = PredictionFolder(tmp_path / "out")
    yield folder
    folder.leave()


def made(folder: PredictionFolder, name: str, content: bytes = b"mask") -> Made:
    staged = f"staged-{len(name)}-{hash(name)}"
    (folder.staging / staged).write_bytes(content)
    inside, digest = f"masks/{name}.png", hashlib.sha256(content).hexdigest()
    file = PredictedFile(f"{name}.png", {"masks": inside}, 1, 2, 0.5, "b", (), digests={"masks": digest}, at="then")
    return Made(FilmRecord(file, name, 1, 2, 0.1), {inside: staged})


def test_films_get_their_names_and_refusals_their_lines(folder: PredictionFolder) -> None:
    writer = Writer(folder)
    for number in range(40):
        writer.put(made(folder, f"deep/{number % 3}/{number}"))
    writer.put(RefusedFile("bad.png", "ImageError", "cut"))
    writer.close()
    assert len(list((folder.path / "masks").rglob("*.png"))) == 40
    assert (folder.journal.predicted_count, folder.journal.refused_count) == (40, 1)
    assert list(folder.staging.iterdir()) == []


def test_the_record_is_there_before_the_name(folder: PredictionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(*_: object) -> None:
        assert folder.journal.record_of("a.png") is not None
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", replace)
    writer = Writer(folder)
    writer.put(made(folder, "a"))
    with pytest.raises(PredictionError, match=r"Input/output error.*is whole"):
        writer.close()


def test_what_somebody_put_there_is_not_overwritten_and_the_same_is_taken(folder: PredictionFolder) -> None:
    (folder.path / "masks").mkdir()
    (folder.path / "masks/a.png").write_bytes(b"precious")
    (folder.path / "masks/b.png").write_bytes(b"mask")
    (folder.path / "masks/c.png").symlink_to("nowhere")
    writer = Writer(folder)
    for name in "abcd":
        writer.put(made(folder, name))
    writer.close()
    refused = {file.source: file.reason for file in folder.journal.refused([])}
    assert set(refused) == {"a.png", "c.png"}
    assert "nothing is overwritten" in refused["a.png"]
    assert (folder.path / "masks/a.png").read_bytes() == b"precious"
    assert set(folder.journal.names()) == {"b.png", "d.png"}


def test_a_name_that_no_file_system_takes_costs_its_film(folder: PredictionFolder) -> None:
    writer = Writer(folder)
    for name in ("x" * 300, "/".join(["y" * 200] * 30), "good"):
        writer.put(made(folder, name))
    writer.close()
    assert set(folder.journal.names().values()) == {"good"}
    assert all("cannot be an output's name" in file.reason for file in folder.journal.refused([]))


def test_after_an_error_nothing_is_written_and_everybody_is_told(
    folder: PredictionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.journal, "append", full)
    writer = Writer(folder)

    def put_many() -> None:
        for number in range(100):
            writer.put(made(folder, str(number)))

    with pytest.raises(PredictionError, match="No space left"):
        put_many()
    with pytest.raises(PredictionError, match="No space left"):
        writer.close()
    assert not list((folder.path / "masks").glob("*.png"))
