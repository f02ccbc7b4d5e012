"""Plain text tables, for what is printed in a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Set rows under a header; the first column to the left, the others to the right.

    Example:
        >>> print(text_table(["task", "MB"], [["facades", "41.9"], ["lungs", "12.0"]]))
        task       MB
        facades  41.9
        lungs    12.0
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
