"""Draws ``docs/images/architecture.svg``: the rooms of the package, and which imports which.

    python -m tools.drawing

A room stands above all that it imports. An arrow is left out if a way over other rooms says the same.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "piggygan"
PICTURE = ROOT / "docs" / "images" / "architecture.svg"

BOX, ROW = (270, 66), 112
GAP, MARGIN = 30, 20
LETTERS = 42
WIDEST = 4

Needs = Mapping[str, frozenset[str]]
"""What each room imports from."""

Point = tuple[float, float]
Rows = list[list[str]]


def needs() -> Needs:
    """Read what each room imports from; a room is a folder or module at the top of the package."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found.setdefault(room, set()).update(_imported(path) - {room})
    return {room: frozenset(others) for room, others in found.items()}


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "piggygan":
            inside = str(node.module).partition(".")[2].split(".")[0]
            found |= {inside} if inside else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("piggygan.")}
    rooms = {entry.name.removesuffix(".py") for entry in PACKAGE.iterdir()}
    return {name if name in rooms else "__init__" for name in found}


def beneath(room: str, needed: Needs) -> frozenset[str]:
    """Return all that a room imports from, directly or through others."""
    return needed[room].union(*(beneath(other, needed) for other in needed[room]))


def arrows(needed: Needs) -> list[tuple[str, str]]:
    """Return the imports that no way over other rooms implies, as (from, to)."""
    return [
        (room, other)
        for room in needed
        for other in sorted(needed[room])
        if not any(other in beneath(between, needed) for between in needed[room])
    ]


def laid_out(needed: Needs) -> dict[str, Point]:
    """Return each room's upper left corner: above all that it imports, with few arrows behind other rooms."""
    rows = _from_the_ground_up(needed)
    drawn = arrows(needed)
    best, improved = _cost(rows, drawn), True
    while improved:
        improved = False
        for tried in [tried for room in sorted(needed) for tried in _moved(rows, room)]:
            if _is_upwards(tried, needed) and (cost := _cost(tried, drawn)) < best:
                rows, best, improved = tried, cost, True
    return _corners(rows)


def _from_the_ground_up(needed: Needs) -> Rows:
    rows: list[list[str]] = []
    left = set(needed)
    while left:
        rows.append(sorted(room for room in left if not needed[room] & left))
        left -= set(rows[-1])
    return rows


def _moved(rows: Rows, room: str) -> Iterator[Rows]:
    """Give all ways to put a room elsewhere."""
    without = [[other for other in row if other != room] for row in rows]
    for number, row in enumerate(without):
        for place in range(len(row) + 1):
            if len(row) < WIDEST and all(without[:number] + without[number + 1 :]):
                yield [*without[:number], [*row[:place], room, *row[place:]], *without[number + 1 :]]


def _is_upwards(rows: Rows, needed: Needs) -> bool:
    ranked = {room: number for number, row in enumerate(rows) for room in row}
    return all(ranked[room] > ranked[other] for room in needed for other in needed[room])


def _corners(rows: Rows) -> dict[str, Point]:
    width, height = _size(rows)
    return {
        room: (
            width / 2 + (place - len(row) / 2) * (BOX[0] + GAP) + GAP / 2,
            height - MARGIN - BOX[1] - number * ROW,
        )
        for number, row in enumerate(rows)
        for place, room in enumerate(row)
    }


def _size(rows: Rows) -> tuple[float, float]:
    return max(len(row) for row in rows) * (BOX[0] + GAP) - GAP + 2 * MARGIN, len(rows) * ROW - ROW + BOX[
        1
    ] + 2 * MARGIN


def _cost(rows: Rows, drawn: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """Return how many boxes are in the way of arrows, and how far the arrows go sideways."""
    corners = _corners(rows)
    hits, sideways = 0, 0.0
    for start, end in drawn:
        points = [_on_the_way(corners[start], corners[end], step / 24) for step in range(25)]
        hits += sum(
            any(x - 8 < px < x + BOX[0] + 8 and y < py < y + BOX[1] for px, py in points)
            for room, (x, y) in corners.items()
            if room not in (start, end)
        )
        sideways += abs(corners[start][0] - corners[end][0])
    return hits, sideways


def _ends(start: Point, end: Point) -> tuple[Point, Point]:
    return (start[0] + BOX[0] / 2, start[1] + BOX[1]), (end[0] + BOX[0] / 2, end[1])


def _on_the_way(start: Point, end: Point, share: float) -> Point:
    """Return a point of the curve that :func:`_arrow` draws."""
    (x1, y1), (x2, y2) = _ends(start, end)
    middle, left = (y1 + y2) / 2, 1 - share
    weights = (left**3, 3 * left**2 * share, 3 * left * share**2, share**3)
    return (
        sum(weight * x for weight, x in zip(weights, (x1, x1, x2, x2), strict=True)),
        sum(weight * y for weight, y in zip(weights, (y1, middle, middle, y2), strict=True)),
    )


def drawn() -> str:
    """Return the picture as SVG."""
    needed = needs()
    corners = laid_out(needed)
    width = max(x for x, _ in corners.values()) + BOX[0] + MARGIN
    height = max(y for _, y in corners.values()) + BOX[1] + MARGIN
    pieces = [
        *(_arrow(corners[start], corners[end]) for start, end in arrows(needed)),
        *(line for room, corner in corners.items() for line in _box(room, corner)),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            'font-family="Helvetica, Arial, sans-serif" role="img">',
            "<title>The rooms of piggygan; an arrow points from a room to one that it imports</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z" fill="#7a8591"/></marker></defs>',
            f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
            *pieces,
            "</svg>\n",
        ]
    )


def _arrow(start: Point, end: Point) -> str:
    (x1, y1), (x2, y2) = _ends(start, end)
    middle = (y1 + y2) / 2
    way = f"M{x1:g} {y1:g} C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}"
    return f'<path d="{way}" fill="none" stroke="#7a8591" stroke-width="1.5" marker-end="url(#tip)"/>'


def _box(room: str, corner: Point) -> Iterator[str]:
    x, y = corner
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6" fill="#eef3f8" '
        'stroke="#3c5a78" stroke-width="1.2"/>'
    )
    name = "import piggygan" if room == "__init__" else room
    yield (
        f'<text x="{x + BOX[0] / 2:g}" y="{y + 20:g}" text-anchor="middle" font-size="15" font-weight="bold" '
        f'fill="#1d2f41">{escape(name)}</text>'
    )
    for number, line in enumerate(_said(room)):
        yield (
            f'<text x="{x + BOX[0] / 2:g}" y="{y + 38 + 15 * number:g}" text-anchor="middle" font-size="11.5" '
            f'fill="#33414f">{escape(line)}</text>'
        )


def _said(room: str) -> list[str]:
    """Return the first line of a room's docstring, in at most two lines."""
    folder = PACKAGE / room
    path = folder / "__init__.py" if folder.is_dir() else PACKAGE / f"{room}.py"
    said = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    return textwrap.wrap(said.removeprefix("piggygan: ").replace("``", ""), LETTERS, max_lines=2, placeholder=" ...")


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
