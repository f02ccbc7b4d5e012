"""What a report is made of: small frozen pieces that say what is shown, and nothing of how it looks.

Texts are plain text. Whatever they hold is shown as it stands: nothing in them is read as HTML.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from PIL import Image

from piggygan.errors import ConfigurationError
from piggygan.evaluation.report.score_map import ScoreMap

Cell = str | int | float | None
"""What a table can hold: text, a number, or None for what is unknown (shown as a dash)."""

Tone = Literal["plain", "good", "bad"]
"""What a piece says besides its words: it colours them, and never stands alone."""

_NUMBER = re.compile(
    r"[+\-−]?\d[\d,\u202f ]*+(\.\d++)?(e[+\-]?\d++)?(\s*+±\s*+\d++(\.\d++)?)?\s*+[^\W\d]{0,5}[%×]?(/\w{1,3})?"
)
# What is taken is kept (*+, ++): trying shorter pieces of a cell of 20,000 spaces took 15 seconds.
_WEB_PIXELS_PER_INCH = 96
_COLUMNS_ON_A_NARROW_PAGE = 3
_COLUMNS_ON_A_PAGE = 7
_NARROW_PAGE = 364  # pixels: a phone's 400 without the margins


@dataclass(frozen=True)
class Text:
    r"""Paragraphs; an empty line parts them.

    Example:
        >>> Text("First one.\n\nThen another.").paragraphs
        ('First one.', 'Then another.')
    """

    kind: ClassVar[str] = "text"
    text: str

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs in order."""
        return tuple(part.strip() for part in re.split(r"\n\s*\n", self.text) if part.strip())


@dataclass(frozen=True)
class Note:
    """A remark that must not be overlooked: a limit, a warning, a verdict.

    Example:
        >>> Note("For research only.", tone="bad").tone
        'bad'
    """

    kind: ClassVar[str] = "note"
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Code:
    """Lines to be read letter by letter: a command, a configuration.

    Example:
        >>> Code("make demo").text
        'make demo'
    """

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for: settings, versions, sizes.

    Example:
        >>> Facts([("steps", 1000), ("learning rate", "2e-4")]).items[0]
        ('steps', 1000)
    """

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Table:
    """Rows under a header; columns of numbers are set to the right, digits under digits.

    Numbers are shown as Python writes them: round or format them first, so that a column has one number of digits.

    Raises:
        ConfigurationError: If a row has not as many cells as the header, or a highlighted row is not there.

    Example:
        >>> table = Table(["task", "Dice"], [["lungs", "0.939"], ["heart", "0.921"]])
        >>> table.width, table.numeric
        ('', (False, True))
    """

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    highlight: Sequence[int] = ()
    """Numbers of the rows to bring out, from 0."""

    def __post_init__(self) -> None:
        wrong = [number for number, row in enumerate(self.rows) if len(row) != len(self.header)]
        if wrong:
            raise ConfigurationError(f"rows {wrong} of the table have not the {len(self.header)} cells of the header")
        absent = [number for number in self.highlight if not 0 <= number < len(self.rows)]
        if absent:
            raise ConfigurationError(f"rows {absent} are to be highlighted, but the table has {len(self.rows)} rows")

    @property
    def width(self) -> Literal["", "wide", "widest"]:
        """Whether a narrow page, or a middling one, sets each row as a list: its columns have no room there."""
        columns = len(self.header)
        return "widest" if columns > _COLUMNS_ON_A_PAGE else "wide" if columns > _COLUMNS_ON_A_NARROW_PAGE else ""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers, as numbers or as text such as "0.953", "28.6 %" or "1.2 ± 0.1"."""
        columns = ([row[column] for row in self.rows] for column in range(len(self.header)))
        return tuple(_is_numeric(column) for column in columns)


@dataclass(frozen=True)
class Picture:
    """A PNG picture, shown at the size that its dots per inch give it, or smaller where the page is narrow.

    Args:
        png: The bytes of a PNG file.
        caption: Set below it.
        alt: What it shows, in words, for those who cannot see it.

    Raises:
        ConfigurationError: If the bytes are no PNG, or nothing says in words what it shows.

    Example:
        >>> from piggygan.evaluation.report import loss_curves
        >>> picture = Picture(loss_curves({"L1": [0.9, 0.5]}), "The loss falls.", "A line from 0.9 to 0.5.")
        >>> picture.size
        (336, 278)
    """

    kind: ClassVar[str] = "picture"
    png: bytes
    caption: str
    alt: str

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ConfigurationError("a picture needs `alt`: say in words what it shows")
        if _web_size(self.png) is None:
            raise ConfigurationError(f"the picture {self.alt!r} is not a PNG file")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on the page, in pixels of a web page (96 an inch)."""
        return _web_size(self.png) or (0, 0)

    @property
    def base64(self) -> str:
        """The file in base 64, as a data URL holds it."""
        return base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Chart(Picture):
    """A drawing of lines and letters on white; on a dark page it is shown light on dark, which a photo never is.

    Example:
        >>> from piggygan.evaluation.report import loss_chart
        >>> chart = loss_chart({"L1": [0.9, 0.5]}, "Loss")
        >>> chart.is_broad, chart.alt
        (False, 'Losses over each step, Loss: L1 from 0.9 to 0.5')
    """

    kind: ClassVar[str] = "chart"

    @property
    def is_broad(self) -> bool:
        """Whether a narrow page shows a part of it at a time, as its letters would be too small otherwise."""
        return self.size[0] > _NARROW_PAGE


@dataclass(frozen=True)
class Gallery:
    """Pictures in rows, each with its own words above it, so that a narrow page can set them in fewer columns.

    Args:
        rows: The pictures of each row; the caption of each is its label.
        labels: One for each row, shown before it; may be empty strings.
        caption: Set below all of them.

    Raises:
        ConfigurationError: If there is no picture, or not one label for each row.

    Example:
        >>> from piggygan.evaluation.report import loss_curves
        >>> picture = Picture(loss_curves({"L1": [0.9, 0.5]}), "L1", "A line from 0.9 to 0.5.")
        >>> shown = Gallery([[picture, picture]], labels=["lungs"])
        >>> len(shown.rows), shown.rows[0][1].caption
        (1, 'L1')
    """

    kind: ClassVar[str] = "gallery"
    rows: Sequence[Sequence[Picture]]
    labels: Sequence[str]
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.rows or not all(self.rows) or len(self.labels) != len(self.rows):
            raise ConfigurationError(
                f"a gallery with {len(self.labels)} labels cannot show rows of {[len(row) for row in self.rows]} "
                "pictures: give a label for each row, and at least one picture in each"
            )


@dataclass(frozen=True)
class Proof:
    """Two digests that must be the same: the one written down, and the one found now.

    Example:
        >>> Proof("facades after lungs", expected="9f86d081", found="9f86d081").is_equal
        True
    """

    kind: ClassVar[str] = "proof"
    label: str
    expected: str
    found: str

    @property
    def is_equal(self) -> bool:
        """Whether the two are the same, and there is something to compare."""
        return bool(self.expected) and self.expected == self.found


Block = Text | Note | Code | Facts | Table | Picture | Gallery | ScoreMap | Proof
"""What a section of a page holds."""


@dataclass(frozen=True)
class KeyFigure:
    """One number that the whole page comes down to.

    Example:
        >>> KeyFigure("Dice", "0.939", note="19 films", tone="good").value
        '0.939'
    """

    label: str
    value: str
    note: str = ""
    tone: Tone = "plain"


def _web_size(png: bytes) -> tuple[int, int] | None:
    """Read the size of a PNG from its header; None if it is none. Without dots per inch, a dot is a pixel."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            inch = float(image.info.get("dpi", (_WEB_PIXELS_PER_INCH,))[0])
            width, height = image.size
    except (OSError, SyntaxError):  # Pillow's two ways of saying that a file is broken
        return None
    scale = _WEB_PIXELS_PER_INCH / inch if inch > 0 else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))


def _is_numeric(column: Sequence[Cell]) -> bool:
    known = [cell for cell in column if cell is not None and cell != ""]
    return bool(known) and all(not isinstance(cell, str) or _NUMBER.fullmatch(cell.strip()) for cell in known)
