"""Puts the tables into pages such as ``docs/evidence.md``: no figure in them is written by hand.

Whatever stands between ``<!-- scores: TASK TASK -->`` and the next ``<!-- end -->`` is written anew from the cells of
that order; ``chain``, ``costs``, ``differences``, ``goals``, ``photos`` and ``rates`` are the other tables, and ``few``
that of groups of draws. Those of the measuring
rod have all tasks: ``<!-- rod: SEED SEED -->``, ``<!-- rod-price: SEED -->``, ``<!-- rod-against: METHOD SEED -->``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.evidence.few_films import few_rows
from benchmarks.evidence.findings import Results, Tasks
from benchmarks.evidence.goals import goal_rows
from benchmarks.evidence.rates import rate_rows
from benchmarks.evidence.rod_tables import difference_rows, price_rows, quality_rows
from benchmarks.evidence.score_tables import chain_rows, claim_rows, cost_rows, photo_rows, score_rows
from benchmarks.reporting import markdown_table

TABLES: dict[str, Callable[[Results, Tasks], list[dict[str, Any]]]] = {
    "scores": score_rows,
    "chain": chain_rows,
    "costs": cost_rows,
    "differences": claim_rows,
    "goals": goal_rows,
    "photos": photo_rows,
    "rates": rate_rows,
    "few": few_rows,
    "rod": quality_rows,
    "rod-price": price_rows,
    "rod-against": difference_rows,
}
NOT_RUN = "Not run yet.\n"


def fill_page(results: Results, page: Path) -> None:
    """Write the tables of a page anew.

    Args:
        results: All cells.
        page: A Markdown file with marks; changed in place.
    """
    fill_marks(page, {mark: functools.partial(table, results) for mark, table in TABLES.items()})


def fill_marks(page: Path, tables: Mapping[str, Callable[[Tasks], list[dict[str, Any]]]]) -> None:
    """Write what stands between marks of these names anew, each from the words in its mark."""

    def filled(block: re.Match[str]) -> str:
        mark, what, names, end = block.groups()
        return f"{mark}{markdown_table(tables[what](tuple(names.split()))) or NOT_RUN}{end}"

    block = re.compile(rf"(<!-- ({'|'.join(tables)}): ([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
    page.write_text(block.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")
