"""One bad file costs one file, whatever is bad about it; and what was not predicted is said."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import piggygan as pg
from piggygan.data.framing import LARGEST_CANVAS, Placement
from piggygan.errors import InputTooLargeError
from piggygan.prediction import PredictionOptions, making
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRegistry

SMALL = PredictionOptions(size=32, untrusted=False)


def write_grey(path: Path, level: int = 90) -> Path:
    Image.new("L", (30, 20), level).save(path, format="PNG")
    return path


def white_png(width: int, height: int) -> bytes:
    """Write a PNG of one bit a pixel, which is small however large it is."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)
    rows = (b"\0" + b"\xff" * -(-width // 8)) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


@pytest.fixture
def three(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a", "b", "c"):
        write_grey(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("fit", ["stretch", "pad", "tile"])
@pytest.mark.parametrize("size", [(1 << 26, 1), (3_000_000, 1), (1, 3_000_000), (65_536, 2)])
def test_17_04_a_picture_of_one_row_ends_nobodys_batch(
    registry: TaskRegistry, three: Path, tmp_path: Path, fit: Any, size: tuple[int, int]
) -> None:
    (three / "b.png").write_bytes(white_png(*size))
    options = PredictionOptions(size=32, fit=fit, untrusted=False)
    summary = pg.predict(registry, "lungs", three, tmp_path / "out", options)
    assert [Path(file.source).name for file in summary.predicted] == ["a.png", "c.png"]
    assert [file.error for file in summary.refused] == ["InputTooLargeError"]
    assert "a side has at most 65535" in summary.refused[0].reason
    assert json.loads((tmp_path / "out/summary.json").read_text())["refused"][0]["error"] == "InputTooLargeError"


def test_17_04_a_canvas_is_bounded_before_it_is_made() -> None:
    assert Placement.natural(65_535, 1, 256).canvas_width == 256
    for place in (lambda: Placement.natural(65_535, 1, 2048), lambda: Placement.natural(8192, 8192, 256, aspect=2.0)):
        with pytest.raises(InputTooLargeError, match=f"at most {LARGEST_CANVAS} pixels"):
            place()


class UnforeseenError(Exception):
    """An error of somebody else's library."""


@pytest.mark.parametrize("error", [MemoryError, RuntimeError, UnforeseenError, RecursionError, OverflowError])
@pytest.mark.parametrize("step", ["read_film", "products_of"])
def test_17_04_whatever_goes_wrong_with_one_file_is_told_of_it_and_the_others_go_on(
    registry: TaskRegistry,
    three: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: type[Exception],
) -> None:
    actual = getattr(making, step)

    def fail(what: Any, *arguments: Any) -> Any:
        if getattr(what, "file", what).name == "b":
            raise error("Plantagenet's film")
        return actual(what, *arguments)

    monkeypatch.setattr(making, step, fail)
    summary = pg.predict(registry, "lungs", three, tmp_path / "out", SMALL)
    assert [Path(file.source).name for file in summary.predicted] == ["a.png", "c.png"]
    (refused,) = summary.refused
    assert refused.error == error.__name__
    assert refused.reason == f"{str(three / 'b.png')!r} cannot be predicted: that failed ({error.__name__})."
    assert (tmp_path / "out/summary.json").is_file()
    assert {path.name for path in (tmp_path / "out/masks").iterdir()} == {"a.png", "c.png"}


def test_17_04_a_batch_that_fails_is_translated_film_by_film(
    registry: TaskRegistry, three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Translator._run

    def crowded(self: Translator, batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 1 or float(batch.max()) > 0.9:
            raise RuntimeError("out of memory")
        return run(self, batch)

    monkeypatch.setattr(Translator, "_run", crowded)
    write_grey(three / "b.png", 255)
    options = PredictionOptions(size=32, batch_size=8)
    summary = pg.predict(registry, "lungs", three, tmp_path / "out", options)
    assert [Path(file.source).name for file in summary.predicted] == ["a.png", "c.png"]
    assert [file.error for file in summary.refused] == ["RuntimeError"]


def test_an_interrupt_is_no_refusal(
    registry: TaskRegistry, three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "read_film", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pg.predict(registry, "lungs", three, tmp_path / "out", SMALL)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [(100, 100), (64, 200), (97, 33), (32, 33)])
def test_tiles_blended_one_after_another_are_as_they_were_all_at_once(size: tuple[int, int]) -> None:
    """Bit for bit what the formula gives that adds up a weight for each pixel."""
    from piggygan.prediction.tiles import OVERLAP, blend, cut, tile_starts

    side = 32
    canvas = torch.rand(2, *size, generator=torch.Generator().manual_seed(0))
    tiles = [tile.square() for tile in cut(canvas, side)]
    nearness = torch.minimum(torch.arange(side) + 1.0, side - torch.arange(side)).clamp(max=side // OVERLAP + 1)
    weight = (nearness[:, None] * nearness[None]).double()
    total, weights = torch.zeros(2, *size, dtype=torch.float64), torch.zeros(*size, dtype=torch.float64)
    corners = [(top, left) for top in tile_starts(size[0], side) for left in tile_starts(size[1], side)]
    for (top, left), tile in zip(corners, tiles, strict=True):
        total[:, top : top + side, left : left + side] += weight * tile
        weights[top : top + side, left : left + side] += weight
    assert torch.equal(blend(iter(tiles), *size), (total / weights).float())


# ------------------------------------------------------------------ what was not predicted


def test_16_17_where_nothing_can_be_predicted_nothing_is_made(registry: TaskRegistry, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    summary = pg.predict(registry, "lungs", tmp_path / "no such folder", out, SMALL)
    assert not summary.predicted
    assert "No such file or directory" in summary.refused[0].reason
    assert not (tmp_path / "deep").exists()
    write_grey(tmp_path / "film.png")
    assert pg.predict(registry, "lungs", tmp_path / "film.png", out, SMALL).predicted


def test_16_17_a_folder_that_was_there_before_stays(registry: TaskRegistry, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    pg.predict(registry, "lungs", tmp_path / "missing.png", tmp_path / "out", SMALL)
    assert list((tmp_path / "out").iterdir()) == []


def test_16_16_what_is_passed_by_in_a_folder_is_in_the_summary(
    registry: TaskRegistry, three: Path, tmp_path: Path
) -> None:
    for name in ("d.gif", "e.svg", "f.heic", "notes.txt"):
        (three / name).write_bytes(b"II*\0")
    (three / "below").mkdir()
    write_grey(three / "below/g.png")
    summary = pg.predict(registry, "lungs", three, tmp_path / "out", SMALL)
    assert len(summary.predicted) == 3
    passed = {Path(entry.source).name: entry.reason for entry in summary.passed_by}
    assert sorted(passed) == ["below", "d.gif", "e.svg", "f.heic", "notes.txt"]
    assert "not searched" in passed["below"]
    assert json.loads((tmp_path / "out/summary.json").read_text())["passed_by"][0]["source"] == str(three / "below")


@pytest.mark.parametrize("untrusted", [False, True])
def test_16_16_twelve_bits_in_sixteen_are_warned_of(registry: TaskRegistry, tmp_path: Path, untrusted: bool) -> None:
    narrow = np.linspace(0, 4095, 600).reshape(20, 30).astype(np.uint16)
    Image.fromarray(narrow).save(tmp_path / "narrow.png")
    Image.fromarray(narrow * 16).save(tmp_path / "wide.png")
    with pytest.warns(UserWarning, match=r"narrow\.png': A PNG of 16 bits uses 12 of them.*Multiply its values by 16"):
        summary = pg.predict(
            registry, "lungs", tmp_path, tmp_path / "out", PredictionOptions(size=32, untrusted=untrusted)
        )
    remarks = {Path(file.source).name: len(file.remarks) for file in summary.predicted}
    assert remarks == {"narrow.png": 1, "wide.png": 0}


def test_16_16_a_pair_predicted_as_one_picture_is_warned_of(
    registry: TaskRegistry, three: Path, tmp_path: Path
) -> None:
    for name in ("d", "e"):
        Image.new("RGB", (80, 40)).save(three / f"{name}.png")
    with pytest.warns(UserWarning, match=r"d\.png' and 1 more: .*twice as wide as high.*cut it in the middle"):
        pg.predict(registry, "facades", three, tmp_path / "out", SMALL)
    pg.predict(registry, "facades", three, tmp_path / "tiles", PredictionOptions(size=32, fit="tile", untrusted=False))


@pytest.mark.parametrize("part", ["chest", "Chest", " CHEST ", "thorax"])
def test_16_16_a_body_part_is_one_in_small_letters_too(
    registry: TaskRegistry, tmp_path: Path, write_film: Callable[..., Path], part: str
) -> None:
    write_film(tmp_path / "film.dcm", np.full((20, 20), 90, dtype=np.uint8))
    write_film(tmp_path / "hand.dcm", np.full((20, 20), 90, dtype=np.uint8), BodyPartExamined="HAND")
    options = PredictionOptions(size=32, body_part=part, dicom_seg=False, untrusted=False)
    summary = pg.predict(registry, "lungs", tmp_path, tmp_path / "out", options)
    assert [Path(file.source).name for file in summary.predicted] == ["film.dcm"]
    assert "needed is CHEST" in summary.refused[0].reason


def test_a_film_that_hides_behind_the_name_of_a_picture_costs_itself_where_highdicom_is_missing(
    registry: TaskRegistry,
    three: Path,
    tmp_path: Path,
    write_film: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_film(three / "b.png", np.full((20, 20), 90, dtype=np.uint8))
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    summary = pg.predict(registry, "lungs", three, tmp_path / "out", SMALL)
    assert [file.error for file in summary.refused] == ["ConfigurationError"]
    assert len(summary.predicted) == 2


def test_nothing_printed_of_a_bad_name_holds_a_control_character(
    mirror_registry: TaskRegistry, make_mirror: Callable[..., nn.Module], tmp_path: Path
) -> None:
    (tmp_path / "films").mkdir()
    path = write_grey(tmp_path / "films/\x1b[2J\u202e.png")
    os.mkfifo(tmp_path / "films/\x1b[3J.png")
    write_grey(tmp_path / "films/z.png")
    path.write_bytes(path.read_bytes()[:-30])
    summary = pg.predict(mirror_registry, "lungs", tmp_path / "films", tmp_path / "out", SMALL, generator=make_mirror())
    assert len(summary.refused) == 2
    assert all(file.reason.isprintable() for file in summary.refused)
