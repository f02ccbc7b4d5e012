"""The page of the evidence from ten of its cells, as it was last looked at; ``--regenerate`` writes the file anew."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.evidence.findings import Results
from benchmarks.evidence.forgetting_page import write_forgetting_page

CELLS = Path(__file__).parents[3] / "docs" / "benchmarks" / "forgetting_small" / "cells"
SHOWN = [
    *(f"separate.alone.{task}.{seed}" for task in ("facades-to-labels", "lungs") for seed in (0, 1)),
    *(f"{method}.labels-lungs.lungs.{seed}" for method in ("ours", "fine-tuning", "low-rank") for seed in (0, 1)),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    (folder / "cells").mkdir()
    for name in SHOWN:
        shutil.copy(CELLS / f"{name}.json", folder / "cells")
    return write_forgetting_page(Results.read(folder), folder).read_text(encoding="utf-8")


def test_the_page_is_as_it_was_last_looked_at(page: str, golden: Callable[[str, str], None]) -> None:
    html = re.sub(r"<style>.*?</style>", "<style></style>", page, flags=re.DOTALL)
    html = re.sub(r"base64,[^\"]+", "base64,", html)
    html = re.sub(r"piggygan \d[^.]*\.\S+\.", "VERSION.", html)
    golden("forgetting.html", re.sub(r"\n\s*\n+", "\n", html))


def test_every_score_of_a_task_is_on_the_scale_of_its_task(page: str) -> None:
    maps = re.findall(r'<div class="block map">.*?</div>', page, flags=re.DOTALL)
    assert [re.findall(r">([\w-]+), its score", found) for found in maps] == [["facades-to-labels"], ["lungs"]]
    colours = [re.findall(r"background: (rgb\(.*?\))", found) for found in maps]
    assert len(colours[0]) == 2 * len(colours[1]) == 8
    assert colours[0].count(colours[0][0]) == 7  # kept by all but fine-tuning, and learned alike


def test_charts_say_their_numbers_in_words(page: str) -> None:
    alts = re.findall(r'alt="(.*?)"', page, flags=re.DOTALL)
    assert all(re.search(r"ours: average 0\.\d+|ours \d+\.\d MB", alt) for alt in alts)
    assert len(alts) == 2
