import io
import time

import pytest
from PIL import Image

from piggygan.errors import ConfigurationError
from piggygan.evaluation.report.blocks import Picture, Proof, Table, Text


def png(width: int, height: int, dpi: int | None = None) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, format="PNG", **({"dpi": (dpi, dpi)} if dpi else {}))
    return file.getvalue()


@pytest.mark.parametrize(
    "column",
    [
        [1, 2.5, None],
        ["0.953", "28.6 %", ""],
        ["1.2 ± 0.1", "-3", "−3.5", "+7e-3"],
        ["54,413,955", "12 min", "2.3×", "7 ms", "3 it/s"],
    ],
)
def test_columns_of_numbers_are_known_as_such(column: list[str | float | None]) -> None:
    assert Table(["name", "value"], [["x", cell] for cell in column]).numeric == (False, True)


@pytest.mark.parametrize("column", [["lungs"], [1, "lungs"], [None, ""], [], ["2026-01-31"], ["1.2.3"], ["U-Net 256"]])
def test_columns_of_words_are_not_taken_for_numbers(column: list[str | float | None]) -> None:
    assert Table(["value"], [[cell] for cell in column]).numeric == (False,)


@pytest.mark.parametrize(
    "cell", ["1" + " " * 20_000 + "!", "1" * 20_000 + "!", "1 ± 1" + "," * 20_000, "1 ±" + " " * 20_000]
)
def test_a_cell_of_twenty_thousand_letters_takes_no_time(cell: str) -> None:
    started = time.process_time()
    assert Table(["value"], [[cell]]).numeric == (False,)
    assert time.process_time() - started < 1


def test_a_table_whose_rows_do_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"rows \[1\] of the table have not the 2 cells"):
        Table(["a", "b"], [["1", "2"], ["3"]])
    with pytest.raises(ConfigurationError, match=r"rows \[1\] are to be highlighted"):
        Table(["a"], [["1"]], highlight=[1])


@pytest.mark.parametrize(("dpi", "size"), [(None, (200, 100)), (96, (200, 100)), (192, (100, 50))])
def test_a_picture_is_shown_at_the_size_its_dots_per_inch_give(dpi: int | None, size: tuple[int, int]) -> None:
    assert Picture(png(200, 100, dpi), "", "black").size == size


@pytest.mark.parametrize("content", [b"", b"<svg/>", png(5, 5)[:20], b"GIF89a" + b"\0" * 40])
def test_what_is_no_png_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="not a PNG file"):
        Picture(content, "caption", "what it shows")


def test_a_picture_that_nothing_describes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`alt`"):
        Picture(png(1, 1), "caption", " ")


def test_a_proof_holds_only_if_there_is_something_to_compare() -> None:
    assert Proof("lungs", "ab12", "ab12").is_equal
    assert not Proof("lungs", "ab12", "ab13").is_equal
    assert not Proof("lungs", "", "").is_equal


def test_an_empty_line_parts_paragraphs() -> None:
    assert Text("one\nstill one\n \n\ntwo\n").paragraphs == ("one\nstill one", "two")
