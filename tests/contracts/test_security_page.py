"""SECURITY.md names the tests that show what it says; they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_is_there() -> None:
    page = ROOT / "SECURITY.md"
    if not page.exists():
        pytest.skip("the package is installed without its pages")
    named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(named) > 20
    assert named <= written, sorted(named - written)
