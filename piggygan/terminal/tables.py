"""Plain text tables, for what is printed in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

NARROWEST = 8
"""Characters that a column keeps, however narrow the terminal."""
GAP = "  "
NO_BREAK = "\u00a0"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Set rows under a header; the first column to the left, the others to the right.

    Args:
        header: Names of the columns.
        rows: Cells. A no-break space (U+00A0) in one is a space at which it is not broken.
        width: Characters of a line. Where a row needs more, the widest columns are made narrower and their cells broken
            into several lines; None: a line a row, however long.

    Example:
        >>> print(text_table(["task", "MB"], [["facades", "41.9"], ["lungs", "12.0"]]))
        task       MB
        facades  41.9
        lungs    12.0
        >>> print(text_table(["task", "scores"], [["facades", "accuracy 0.69, l1 0.21"]], width=23))
        task             scores
        facades  accuracy 0.69,
                 l1 0.21
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    if width is not None:
        words = [max(len(word) for line in lines for word in line[column].split(" ")) for column in range(len(header))]
        _narrow(widths, words, width)
    return "\n".join(part for line in lines for part in _broken(line, widths))


def _narrow(widths: list[int], words: Sequence[int], width: int) -> None:
    """Take from the widest column, a letter at a time, until a row fits; from one that would break words at last."""
    widths[:] = [min(one, width) for one in widths]
    while sum(widths) + len(GAP) * (len(widths) - 1) > width:
        wide = [column for column, one in enumerate(widths) if one > max(words[column], NARROWEST)]
        wide = wide or [column for column, one in enumerate(widths) if one > NARROWEST]
        if not wide:
            return
        widths[max(wide, key=widths.__getitem__)] -= 1


def _broken(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Set one row, in as many lines as its longest cell needs."""
    cells = [
        _aligned(cell, width, to_the_left=column == 0)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    empty = [" " * width for width in widths]
    return [
        GAP.join(cell[row] if row < len(cell) else empty[column] for column, cell in enumerate(cells))
        .replace(NO_BREAK, " ")
        .rstrip()
        for row in range(max(map(len, cells)))
    ]


def _aligned(cell: str, width: int, *, to_the_left: bool) -> list[str]:
    if len(cell) <= width:
        return [cell.ljust(width) if to_the_left else cell.rjust(width)]
    return [part.ljust(width) for part in textwrap.wrap(cell, width, break_on_hyphens=False)]
