"""What the page's modules compute, beside numpy, Pillow, zipfile, and graphs drawn by hand."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.server.page.visitor import Served, Visitor, pixels

ORANGE = (230, 159, 0)


@pytest.fixture(scope="module")
def visitor(browser: Any, served: Served) -> Iterator[Visitor]:
    """One page for all: what is asked of its modules leaves nothing behind."""
    visitor = Visitor(browser.new_context().new_page(), served)
    visitor.come()
    yield visitor
    visitor.page.context.close()
    visitor.check()


def bytes_of(found: list[int]) -> bytes:
    return bytes(found)


def painted(visitor: Visitor, levels: np.ndarray[Any, Any], way: dict[str, Any]) -> np.ndarray[Any, Any]:
    rows, columns = levels.shape
    expression = "(l, w, h, way) => Array.from(m.painted(new Uint8Array(l), w, h, way).data)"
    found = visitor.run("drawing", expression, levels.ravel().tolist(), columns, rows, way)
    return np.array(found, dtype=np.uint8).reshape(rows, columns, 4)


def outline(mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Pixels of a mask that have background beside them, by hand."""
    found = np.zeros_like(mask)
    rows, columns = mask.shape
    for row in range(rows):
        for column in range(columns):
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                y, x = row + down, column + right
                if mask[row, column] and 0 <= y < rows and 0 <= x < columns and not mask[y, x]:
                    found[row, column] = True
    return found


def test_levels_are_painted_counted_and_cut(visitor: Visitor) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
    levels[2:7, 1:6] = 200  # a block with an inside
    for cut in (1, 128, 201, 255):
        mask = levels >= cut
        over = painted(visitor, levels, {"show": "over", "tint": 0.25, "cut": cut})
        alpha = np.where(outline(mask), 255, np.where(mask, 64, 0))
        assert (over[..., 3] == alpha).all()
        assert (over[mask][:, :3] == ORANGE).all()
        alone = painted(visitor, levels, {"show": "mask", "tint": 0.25, "cut": cut})
        assert (alone[..., :3] == np.where(mask, 255, 0)[..., None]).all()
        share = visitor.run(
            "drawing", "(l, cut) => m.foreground(m.histogram(new Uint8Array(l)), cut)", levels.ravel().tolist(), cut
        )
        assert share == mask.mean()
    values = painted(visitor, levels, {"show": "values", "tint": 0.25, "cut": 128})
    assert (values[..., :3] == levels[..., None]).all()
    assert (values[..., 3] == 255).all()


def test_a_grey_png_is_read_back_by_others_and_by_the_page(visitor: Visitor) -> None:
    levels = np.random.default_rng(1).integers(0, 256, (5, 11), dtype=np.uint8)
    written = visitor.run(
        "packing",
        """async (l) => {
            const blob = await m.greyPng(new Uint8Array(l), 11, 5);
            const { levelsOf } = await import("/page/drawing.js");
            const { levels, width, height } = await levelsOf(blob);
            return [Array.from(new Uint8Array(await blob.arrayBuffer())), Array.from(levels), width, height];
        }""",
        levels.ravel().tolist(),
    )
    assert (pixels(bytes_of(written[0])) == levels).all()
    assert pixels(bytes_of(written[0])).ndim == 2
    assert written[1:] == [levels.ravel().tolist(), 11, 5]


def test_a_zip_is_read_by_others(visitor: Visitor) -> None:
    files = {"a/ä.png": bytes(range(256)) * 3, "empty": b"", "summary.json": b"{}"}
    written = visitor.run(
        "packing",
        """async (files) => {
            const parts = files.map(([name, bytes]) => ({ name, content: new Uint8Array(bytes) }));
            const blob = m.zipOf(parts, new Date(2026, 10, 27, 12, 34, 56));
            return Array.from(new Uint8Array(await blob.arrayBuffer()));
        }""",
        [[name, list(content)] for name, content in files.items()],
    )
    archive = zipfile.ZipFile(io.BytesIO(bytes_of(written)))
    assert archive.testzip() is None
    assert {entry.filename: archive.read(entry) for entry in archive.infolist()} == files
    assert archive.infolist()[0].date_time == (2026, 11, 27, 12, 34, 56)
    assert visitor.run("packing", "(b) => m.crc32(new Uint8Array(b))", list(b"piggygan")) == zlib.crc32(b"piggygan")


def test_names_of_files_leave_no_folder_and_are_never_the_same(visitor: Visitor) -> None:
    names = ["x/a.png", "A.tif", "../../a.dcm", "", "...", "CON?.png", "lungs@2.png", "ä" * 200, ".hidden", "a<b>.png"]
    expression = "(names) => { const t = new Set(); return names.map((name) => m.unusedStem(name, t)); }"
    found = visitor.run("packing", expression, names)
    assert found == ["a", "A-2", "a-3", "file", "file-2", "CON_", "lungs@2", "ä" * 80, "hidden", "a_b_"]


def test_the_graph_of_descent_holds_all_that_a_task_draws_on_and_no_other(visitor: Visitor) -> None:
    descent = {"a": [], "b": ["a"], "c": [], "d": ["b", "a"], "e": ["d"]}
    tasks = [{"name": name, "draws_on": parents} for name, parents in descent.items()]
    drawn = visitor.run(
        "descent",
        """(name, tasks) => {
            const drawing = m.descent(name, tasks);
            const all = (kind) => [...drawing.querySelectorAll(kind)];
            return {
                words: drawing.getAttribute("aria-label"),
                names: all("text").map((text) => text.textContent),
                own: all("path.own").length,
                older: all("path.older").length,
                dots: all("circle.own").length,
            };
        }""",
        "d",
        tasks,
    )
    assert drawn == {
        "words": "d draws on b and a.", "names": ["a", "b", "d"], "own": 2, "older": 1, "dots": 1,
    }  # fmt: skip
    words = "(name, tasks) => m.descent(name, tasks).getAttribute('aria-label')"
    assert visitor.run("descent", words, "e", tasks) == "e draws on d, and through them on a and b."
    assert visitor.run("descent", words, "c", tasks) == "c draws on no other task."


@pytest.mark.parametrize("name", ["lungs@2", "W" * 30, "i"])
def test_no_name_is_cut_off_in_the_graph_of_descent(visitor: Visitor, name: str) -> None:
    expression = """(name) => {
        const drawing = document.body.appendChild(m.descent(name, [{ name, draws_on: [] }]));
        const { x, width } = drawing.querySelector("text").getBBox();
        const found = [x + width, drawing.width.baseVal.value];
        drawing.remove();
        return found;
    }"""
    end, whole = visitor.run("descent", expression, name)
    assert end <= whole < end + 4


def test_what_is_known_of_how_sure_an_answer_is_is_said_in_sentences(visitor: Visitor) -> None:
    found = {"distance": 0.98765, "distance_threshold": 1.4, "unlike": False, "expected_dice": 0.912, "parts": 2}
    findings = [{"name": name, "value": value, "says": ""} for name, value in found.items()]
    assert visitor.run("look", "(...f) => m.known(f)", *findings) == [
        "Dice is expected to be 0.912.",
        "The film is like those of training: 0.988 away, where 1.4 would be unlike.",
    ]
    unlike = [{"name": "unlike", "value": True, "says": "unlike: 3"}, {"name": "disagreement", "value": 0}]
    assert visitor.run("look", "(...f) => m.known(f)", *unlike) == [
        "Members disagree by 0: 0 is not at all, 1 is wholly."
    ]


def test_versions_are_asked_for_by_names_that_mean_them_alone(visitor: Visitor) -> None:
    networks = {"generator": {"kind": "mask", "rules": None, "can_predict": True}}
    tasks = [
        {"name": name, "pinned": pinned, "networks": networks}
        for name, pinned in (("lungs", "lungs@1"), ("lungs@2", "lungs@2"), ("h-1", "h-1@1"), ("h-2", "h-2@1"))
    ]
    ensembles = [{"name": "h", "pinned": "h@1", "members": ["h-1", "h-2"], "networks": networks}]
    about = {"tasks": tasks, "ensembles": ensembles}
    found = visitor.run("choices", "(about) => m.choicesOf(about)", about)
    assert [(choice["label"], choice["isMember"]) for choice in found] == [
        ("lungs@1", False), ("lungs@2", False), ("h-1", True), ("h-2", True), ("h, mean of 2", False),
    ]  # fmt: skip
    assert [choice["address"].split("/")[3] for choice in found] == [
        "lungs%401", "lungs%402", "h-1%401", "h-2%401", "h%401",
    ]  # fmt: skip


def test_figures_are_said_as_people_read_them(visitor: Visitor) -> None:
    assert visitor.run("words", "(...n) => n.map(m.size)", 1, 999, 999_499, 999_500, 67_108_864) == [
        "1 byte", "999 bytes", "999 kB", "1 MB", "67.1 MB",
    ]  # fmt: skip
    assert visitor.run("words", "(...n) => n.map(m.duration)", 1.234, 89, 5340, 7200) == [
        "1.23 s", "89 s", "89 minutes", "2 hours",
    ]  # fmt: skip
    assert visitor.run("words", "(...n) => n.map(m.figure)", 0.5, 12345.6, 1e-7) == ["0.5", "12300", "1e-7"]
