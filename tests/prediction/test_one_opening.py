"""A film is opened once: what is written is of the film that it names, whatever happens to the files meanwhile."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from torch import nn

import piggygan as pg
from piggygan.data import read_mask
from piggygan.prediction import PredictionOptions, PredictionSummary
from piggygan.registry import TaskRegistry

pytest.importorskip("highdicom")

WriteFilm = Callable[..., Path]
SIDE = 32


@pytest.fixture
def films(tmp_path: Path, write_film: WriteFilm) -> dict[str, bytes]:
    """Eight films by their SOP Instance UID, each bright in rows of its own: a mask shows of which film it is."""
    found = {}
    for number in range(8):
        pixels = np.zeros((SIDE, SIDE), dtype=np.uint8)
        pixels[4 * number : 4 * number + 4] = 255
        path = write_film(tmp_path / "source.dcm", pixels)
        found[str(pydicom.dcmread(path).SOPInstanceUID)] = path.read_bytes()
    (tmp_path / "source.dcm").unlink()
    return found


def film_of(mask: np.ndarray[Any, Any], films: dict[str, bytes]) -> str:
    return list(films)[int(np.flatnonzero(mask.any(axis=1))[0]) // 4]


@contextlib.contextmanager
def disturbed(folder: Path, names: list[str], films: dict[str, bytes], seed: int) -> Iterator[Counter[str]]:
    """Exchange, cut and replace files of a folder for as long as the block runs."""
    random = np.random.default_rng(seed)
    contents = list(films.values())
    over = threading.Event()
    done: Counter[str] = Counter()

    def disturb() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            one, other = (folder / names[place] for place in random.integers(len(names), size=2))
            kind = ("exchanged", "replaced", "rewritten", "cut")[random.integers(4)]
            content = contents[random.integers(len(contents))]
            aside = folder / f".aside{number}"
            if kind == "exchanged" and one != other:
                one.rename(aside)
                other.rename(one)
                aside.rename(other)
            elif kind == "replaced":
                aside.write_bytes(content)
                aside.replace(one)
            elif kind == "rewritten":
                one.write_bytes(content)  # in place: cut for a moment, and perhaps read half
            else:
                one.write_bytes(content[: random.integers(len(content))])
            done[kind] += 1

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def check(summary: PredictionSummary, out: Path, films: dict[str, bytes]) -> None:
    digests = {hashlib.sha256(content).hexdigest(): uid for uid, content in films.items()}
    for file in summary.predicted:
        mask = np.asarray(read_mask(out / file.outputs["masks"])[0] > 0)
        shown = film_of(mask, films)
        segmentation = pydicom.dcmread(out / file.outputs["segmentations"])
        (series,) = segmentation.ReferencedSeriesSequence
        assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == shown
        # Bytes of two films in one file are neither; what is said of them is still said of these bytes.
        assert digests.get(file.sha256, shown) == shown


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("untrusted", [False, True])
def test_17_03_films_exchanged_cut_and_replaced_meanwhile_are_named_rightly_or_refused(
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    films: dict[str, bytes],
    tmp_path: Path,
    count: int,
    untrusted: bool,
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    names = [f"{number}.dcm" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(list(films.values())[number % len(films)])
    options = PredictionOptions(size=SIDE, batch_size=4, untrusted=untrusted)
    paths = [folder / name for name in names]
    with disturbed(folder, names, films, seed=count + untrusted) as done:
        summary = pg.predict(mirror_registry, "lungs", paths, tmp_path / "out", options, generator=make_mirror())
    assert done.total() > count
    assert len(summary.predicted) + len(summary.refused) == count
    assert len(summary.predicted) > count / 10
    assert {file.error for file in summary.refused} <= {"DicomError", "ImageError"}
    check(summary, tmp_path / "out", films)


def test_17_03_a_film_replaced_while_it_is_decoded_is_still_the_one_that_was_read(
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    films: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sharpest moment: between reading the bytes and whatever is done with them."""
    first, second = list(films)[:2]
    path = tmp_path / "film.dcm"
    path.write_bytes(films[first])
    from piggygan.data import image_file

    decode = image_file.decode_dicom

    def exchange(*arguments: Any, **named: Any) -> Any:
        path.write_bytes(films[second])
        return decode(*arguments, **named)

    monkeypatch.setattr(image_file, "decode_dicom", exchange)
    options = PredictionOptions(size=SIDE, untrusted=False)
    summary = pg.predict(mirror_registry, "lungs", path, tmp_path / "out", options, generator=make_mirror())
    assert summary.predicted[0].sha256 == hashlib.sha256(films[first]).hexdigest()
    check(summary, tmp_path / "out", films)


@pytest.mark.parametrize("untrusted", [False, True])
def test_16_11_a_film_is_opened_once_here_or_in_the_process_apart(
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    films: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    untrusted: bool,
) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(next(iter(films.values())))
    opened: Counter[str] = Counter()

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, *arguments: Any, **named: Any) -> Any:
            opened[str(file)] += 1
            return function(file, *arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for place, function in (("os.open", os.open), ("builtins.open", open), ("io.open", open)):
            patch.setattr(place, counting(function))
        options = PredictionOptions(size=SIDE, untrusted=untrusted)
        pg.predict(mirror_registry, "lungs", path, tmp_path / "out", options, generator=make_mirror())
    assert opened[str(path)] == (0 if untrusted else 1)
    check(
        pg.predict(mirror_registry, "lungs", path, tmp_path / "again", options, generator=make_mirror()),
        tmp_path / "again",
        films,
    )
