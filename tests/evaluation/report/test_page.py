import base64
import io
import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from piggygan.evaluation.report import page as page_module
from piggygan.evaluation.report.blocks import (
    Block,
    Chart,
    Code,
    Facts,
    Gallery,
    KeyFigure,
    Note,
    Picture,
    Proof,
    Table,
    Text,
)
from piggygan.evaluation.report.page import Page, Section, render_page, write_page
from piggygan.evaluation.report.score_map import ScoreMap

HOSTILE = "<script>alert('x')</script> & \"quoted\" {{ 7 * 7 }} </style><img src=x onerror=y>.png"


def png(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6, 4), colour).save(file, format="PNG")
    return file.getvalue()


def page_of(*blocks: Block) -> Page:
    return Page("Title", "Lead", [Section("Heading", blocks)])


def page_saying(text: str) -> Page:
    """A page that has one text in every place that takes one."""
    blocks: list[Block] = [
        Text(text),
        Note(text),
        Code(text),
        Facts([(text, text)]),
        Table([text, "n"], [[text, 1]], caption=text, highlight=[0]),
        Table(["a", text, "b", "n"], [[text, 1, 2, 3]]),
        Picture(png(), text, text),
        Chart(png(), text, text),
        Gallery([[Picture(png(), text, text)]], [text], text),
        ScoreMap(text, [text], [text], [[0.5]]),
        Proof(text, text, text + "x"),
    ]
    return Page(text, text, [Section(text, blocks)] * 3, [KeyFigure(text, text, text)], text, [Note(text)])


class Reader(HTMLParser):
    """Reads a page as a browser does: its tags, their attributes, and the text between."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_well_formed_and_says_everything_it_was_given() -> None:
    reader = Reader(render_page(page_saying("unmistakable")))
    assert reader.open == []
    # title twice, lead, note, key figure, footer; and in 3 sections: nav, heading, texts, facts, table, wide table,
    # two captions, gallery, map, proof
    assert reader.text.count("unmistakable") == 2 + 1 + 1 + 3 + 1 + 3 * (1 + 1 + 3 + 2 + 3 + 2 + 2 + 3 + 3 + 3)


def test_html_in_any_text_is_shown_and_not_obeyed() -> None:
    harmless, hostile = Reader(render_page(page_saying("harmless"))), Reader(render_page(page_saying(HOSTILE)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert [sorted(attributes) for _, attributes in hostile.tags] == [
        sorted(attributes) for _, attributes in harmless.tags
    ]
    assert "script" not in {tag for tag, _ in hostile.tags}
    assert hostile.text.count(HOSTILE) == harmless.text.count("harmless")
    assert [attributes["alt"] for tag, attributes in hostile.tags if tag == "img"] == [HOSTILE] * 9


def test_the_page_asks_nothing_of_any_server() -> None:
    document = render_page(page_saying("text"))
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r"base64,[^\"]*", "", document))
    for tag, attributes in Reader(document).tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "form")
        assert not [name for name in attributes if name.startswith("on")]
        assert str(attributes.get("src", "data:")).startswith("data:")
        assert str(attributes.get("href", "#")).startswith("#")
    assert "default-src 'none'; img-src data:" in document


def test_pictures_are_inside_the_page_byte_for_byte() -> None:
    tags = Reader(render_page(page_of(Picture(png("blue"), "caption", "blue")))).tags
    (image,) = [attributes for tag, attributes in tags if tag == "img"]
    prefix, _, data = str(image["src"]).partition(",")
    assert prefix == "data:image/png;base64"
    assert base64.b64decode(data) == png("blue")
    assert (image["width"], image["height"]) == ("6", "4")


def test_a_proof_says_in_words_whether_the_digests_are_equal() -> None:
    equal = Reader(render_page(page_of(Proof("lungs", "ab12", "ab12")))).text
    different = Reader(render_page(page_of(Proof("lungs", "ab12", "ab13")))).text
    assert "equal" in equal
    assert "DIFFERENT" not in equal
    assert "DIFFERENT" in different
    assert "✓" not in different
    assert "DIFFERENT" in Reader(render_page(page_of(Proof("lungs", "", "")))).text


def test_on_a_narrow_page_every_cell_of_a_wide_table_says_what_it_is() -> None:
    wide = Table(["task", "Dice", "IoU", "L1"], [["lungs", 0.9, 0.8, None]])
    cells = [attributes for tag, attributes in Reader(render_page(page_of(wide))).tags if tag == "td"]
    assert [cell["data-label"] for cell in cells] == ["Dice", "IoU", "L1"]
    narrow = render_page(page_of(Table(["task", "Dice"], [["lungs", 0.9]])))
    assert "data-label=" not in narrow


def test_equal_digests_are_not_green_as_they_prove_nothing_good_by_themselves() -> None:
    (shown,) = re.findall(r'class="block (proof.*?)"', render_page(page_of(Proof("lungs", "ab12", "ab12"))))
    assert shown == "proof"


def test_numbers_are_set_to_the_right_and_unknown_ones_are_a_dash() -> None:
    document = render_page(page_of(Table(["task", "Dice"], [["lungs", 0.953], ["maps", None]], highlight=[0])))
    assert '<th scope="col" class="number">Dice</th>' in document
    assert '<td class="number">0.953</td>' in document
    assert '<th scope="row">lungs</th>' in document
    assert document.count('<tr class="highlight">') == 1
    assert Reader(document).text.count("–") == 1


def test_characters_that_cannot_be_seen_are_shown_by_their_escapes() -> None:
    name = "scan\x00\u202egnp.exe\u200f\u061c\udcff"  # the last stands for a byte of a file name that is not UTF-8
    text = Reader(render_page(page_of(Text(name)))).text
    assert "scan\\x00\\u202egnp.exe\\u200f\\u061c\\udcff" in text
    assert not set(name) & {"\x00", "\u202e", "\udcff", "\u200f", "\u061c"} & set(text)


def test_a_page_is_written_as_it_is_rendered_and_twice_the_same(tmp_path: Path) -> None:
    page = page_saying("päge \udcff")
    write_page(tmp_path / "one.html", page)
    write_page(str(tmp_path / "two.html"), page)
    assert (tmp_path / "one.html").read_bytes() == render_page(page).encode() == (tmp_path / "two.html").read_bytes()


def test_the_file_has_the_mode_that_any_new_file_has(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", page_of())
    (tmp_path / "other").touch()
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


@pytest.mark.parametrize("failing", ["fsync", "replace", "render"])
def test_a_write_that_fails_leaves_the_old_page_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    target = tmp_path / "page.html"
    target.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    owner, name = {"fsync": (os, "fsync"), "replace": (os, "replace"), "render": (page_module, "render_page")}[failing]
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(OSError, match="No space left"):
        write_page(target, page_of(Text("new")))
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert target.read_text() == "old"


def test_a_folder_that_is_missing_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_page(tmp_path / "absent" / "page.html", page_of())
    assert list(tmp_path.iterdir()) == []
