"""One HTML file that holds a whole report: pictures and style are inside it, and it asks nothing of any server.

It can be mailed, archived and printed, and reads the same in ten years. A browser that shows it is forbidden, by
the page itself, to run scripts or to fetch anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from piggygan.evaluation.report.blocks import Block, KeyFigure, Note
from piggygan.files.durable import write_durably
from piggygan.terminal.about import INTENDED_USE
from piggygan.terminal.escaping import escaped

_LAID_OUT = "\n\t\r\u00a0\u202f"
"""What a browser lays out and does not obey: ends of lines, and spaces at which no line ends."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it.

    Example:
        >>> from piggygan.evaluation.report import Text
        >>> Section("Data", [Text("Generated.")]).heading
        'Data'
    """

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report: what it is about, the numbers it comes down to, and its sections.

    Example:
        >>> from piggygan.evaluation.report.blocks import KeyFigure, Text
        >>> page = Page(
        ...     title="Two tasks, nothing forgotten",
        ...     lead="A U-Net learned facades, then lungs.",
        ...     key_figures=[KeyFigure("Lungs, Dice", "0.953")],
        ...     sections=[Section("Data", [Text("Masks named <left> & <right>.")])],
        ... )
        >>> "Masks named &lt;left&gt; &amp; &lt;right&gt;." in render_page(page)
        True
    """

    title: str
    lead: str
    sections: Sequence[Section]
    key_figures: Sequence[KeyFigure] = ()
    """Three or four, shown in a strip at the top."""
    footer: str = ""
    """Where the page came from: versions, a date, a command."""
    notes: Sequence[Note] = ()
    """What has to be read before the numbers; stands above them."""


def render_page(page: Page) -> str:
    """Write a page as one HTML document, which ends in its intended use; equal pages give equal text.

    Example:
        >>> from piggygan.evaluation.report import Text
        >>> html = render_page(Page("Lungs", "What was learned", sections=[Section("Data", [Text("Generated.")])]))
        >>> html.startswith("<!doctype html>"), "Generated." in html
        (True, True)
    """
    return _environment().get_template("page.html.j2").render(page=page, intended_use=INTENDED_USE)


def write_page(path: str | os.PathLike[str], page: Page) -> None:
    """Write a page to a file, whole or not at all: a reader never finds half of it.

    Args:
        path: The file to make; one that is there is replaced, and stays as it was if anything fails.
        page: What to write.

    Raises:
        OSError: If the folder is missing or cannot be written to.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.evaluation.report import Text
        >>> page = Page("Lungs", "What was learned", sections=[Section("Data", [Text("Generated.")])])
        >>> with TemporaryDirectory() as folder:
        ...     write_page(f"{folder}/report.html", page)
        ...     Path(folder, "report.html").read_text(encoding="utf-8") == render_page(page)
        True
    """
    write_durably(Path(path), render_page(page).encode("utf-8"))


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    """Show characters that cannot be seen by their escapes; what is markup already is left alone."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escaped(value, keep=_LAID_OUT)
    return value
