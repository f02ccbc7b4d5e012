"""axe-core finds nothing to complain of, in any state of the page."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.page.visitor import PATIENCE, TASKS, Visitor

VERSION = "4.14.1"
ROOT = Path(__file__).parents[3]
KEPT = ROOT / "build" / f"axe-core-{VERSION}.tgz"
"""Where it stays, so that it is fetched once; git ignores the folder."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def axe() -> str:
    """The text of axe-core, from npm."""
    if not KEPT.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm here, which fetches axe-core: apt-get install npm")
        KEPT.parent.mkdir(exist_ok=True)
        command = [npm, "pack", "--silent", "--pack-destination", str(KEPT.parent), f"axe-core@{VERSION}"]
        fetched = subprocess.run(command, capture_output=True, timeout=120, check=False)
        if fetched.returncode:
            pytest.skip("axe-core cannot be fetched from npm: no network?")
    with tarfile.open(KEPT) as archive:
        file = archive.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


def violations(visitor: Visitor) -> list[Any]:
    """Everything that axe-core knows of is looked for: WCAG 2.2 to level AA, and good practice."""
    found = visitor.page.evaluate("async () => await axe.run()")
    assert len(found["passes"]) > 20
    return [(rule["id"], rule["help"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 400), ("dark", 1200)])
def test_axe_has_nothing_to_complain_of(
    axe: str, visit: Callable[..., Visitor], picture: Callable[..., bytes], scheme: str, width: int
) -> None:
    visitor = visit(
        script=axe,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
        expected=("Failed to load resource: the server responded with a status of 422",),
    )
    page = visitor.page
    assert violations(visitor) == []
    visitor.drop(("a.png", picture(200, 300)), ("b.png", b"no picture"))
    for task in TASKS:
        visitor.look("a.png", task)
    visitor.film("b.png").get_by_role("button", name="Try again").wait_for()
    page.get_by_role("button", name="Compare answers to a.png").click()
    page.get_by_role("button", name="Verify now").click()
    page.locator(".proof").first.wait_for(timeout=5 * PATIENCE)  # a process of its own
    for details in page.locator("summary").all():
        details.click()
    page.get_by_role("radio", name="before the cut").check()
    page.locator("#token").evaluate("(section) => { section.hidden = false; }")
    assert violations(visitor) == []


def test_axe_finds_what_is_wrong(axe: str, visit: Callable[..., Visitor]) -> None:
    visitor = visit(script=axe)
    visitor.page.locator("#cut").evaluate("(slider) => { slider.hidden = false; }")
    visitor.page.locator("label[for=cut]").evaluate("(label) => label.remove()")
    visitor.page.locator("#answers").evaluate("(section) => { section.hidden = false; }")
    assert [rule for rule, _, _ in violations(visitor)] == ["label"]
