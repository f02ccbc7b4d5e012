"""What came of a prediction, film by film from its journal: as in memory, so in the file."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

from piggygan.prediction import PredictionOptions
from piggygan.prediction.inputs import PassedBy
from piggygan.prediction.journal import FilmRecord, Journal, film_line, refused_line
from piggygan.prediction.predictions import Predictions
from piggygan.prediction.summary import PredictedFile, PredictionRun, PredictionSummary, RefusedFile

ABOUT = PredictionSummary("lungs", "a" * 64, "mask", PredictionOptions(size=32), (), (), (PassedBy("n.txt", "no"),))


def predictions(path: Path, films: int) -> Predictions:
    journal = Journal(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND))
    sources = [f"{number}\u202e.png" for number in range(films)]
    files = [PredictedFile(source, {"masks": f"masks/{source}"}, 1, 2, 0.5, "b", (), at="then") for source in sources]
    run = PredictionRun("then", None, "sha256:0", "2", 1, 0, None)
    lines = [film_line(FilmRecord(file, "name", 1, 2, 0.1)) for file in files]
    bad = [refused_line(RefusedFile(f"bad{number}", "ImageError", "cut")) for number in range(films)]
    journal.append([{"record": "run", "run": vars(run)}, *lines[::-1], *bad])
    return Predictions(journal, ABOUT, sources)


def test_the_file_says_what_the_summary_does_with_a_line_a_film(tmp_path: Path) -> None:
    for films in (0, 1, 3):
        found, file = predictions(tmp_path / f"{films}", films), io.StringIO()
        found.write(file)
        text = file.getvalue()
        assert text.isascii()
        assert json.loads(text) == json.loads(found.summary().to_json())
        assert sum('"masks/' in line for line in text.splitlines()) == films
        assert (found.predicted_count, found.refused_count) == (films, films)


def test_films_are_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    found = predictions(tmp_path / "journal", 4)
    assert [file.source[0] for file in found.predicted()] == ["0", "1", "2", "3"]
    assert [run.registry for run in found.about.runs] == ["sha256:0"]
    assert found.summary().passed_by == (PassedBy("n.txt", "no"),)
