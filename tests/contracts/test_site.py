"""The site: every page is in a menu, every link leads somewhere, every public name is on it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools import site
from tools.public_names import public_names, rooms

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in site.BESIDE_DOCS if name.endswith(".md"))]
ELSEWHERE = {"docs/index.md", "docs/api.md"}
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """What a page's headings are linked by, as GitHub and the site name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not heading or heading in anchors(target), f"{page.name} links to {link}"


def test_every_page_is_in_the_menu_of_the_first_one() -> None:
    first = site.first_page(site.INDEX.read_text("utf-8"))
    listed = re.findall(r"^(?:docs/|piggygan/|[A-Z]+$)[\w./-]*", first, re.MULTILINE)
    pages = {str(page.relative_to(ROOT)) for page in PAGES} - ELSEWHERE
    assert pages - {"docs/benchmarks/README.md"} <= {f"{name}.md" for name in listed}


def test_the_first_page_links_to_where_its_pages_are_on_the_site() -> None:
    menu = "## Start\n- [A](a.md#x): how\n- [Top](../TOP.md)\n- [A](a.md)\n"
    first = site.first_page(f"# Title\n\nOn [a page](a.md).\n\n{menu}\n## End\nNo link.\n")
    assert "On [a page](docs/a.md)." in first
    assert "[A](docs/a.md#x)" in first
    assert "[Top](TOP.md)" in first
    assert "```{toctree}\n:hidden:\n:caption: Start\n\nTOP\ndocs/a\n```" in first
    assert first.count("toctree") == 1


def test_every_public_name_is_described_once(tmp_path: Path) -> None:
    site.lay_out(tmp_path / "source")
    pages = {room: (tmp_path / f"source/docs/reference/{room}.md").read_text("utf-8") for room in rooms()}
    for room, page in pages.items():
        for name in public_names(room):
            described = re.search(rf"^\.\. auto\w+:: {re.escape(room)}\.{name}$", page, re.MULTILINE)
            assert described or f"`{room}.{name}`" in page, f"{room}.{name}"
    assert pages["piggygan"].count("autoclass:: piggygan.TaskRegistry\n") == 1
    assert "autoclass:: piggygan.registry.TaskRegistry\n" not in pages["piggygan.registry"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("sphinx") is None, reason="the extra `docs` is not installed")
def test_the_site_is_built_without_a_warning_and_is_small(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "tools.site", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    first = (tmp_path / "html" / "index.html").read_text("utf-8")
    assert not re.search(r'(src|href)="https?://', first.replace("https://github.com/pradyunsg/furo", "")), (
        "nothing is fetched"
    )


@pytest.mark.slow
@pytest.mark.skipif(find_spec("sphinx") is None, reason="the extra `docs` is not installed")
@pytest.mark.parametrize("broken", ["[gone](gone.md)", "[no heading](tutorial.md#nowhere)", "{py:func}`piggygan.gone`"])
def test_a_broken_link_or_an_unknown_name_ends_the_build(tmp_path: Path, broken: str) -> None:
    source = tmp_path / "source"
    site.lay_out(source)
    for page in (source / "docs" / "reference").glob("*.md"):
        page.write_text(f"# {page.stem}\n", encoding="utf-8")  # what is not asked about here takes the most time
    (source / "index.md").write_text(f"# One page\n\n{broken}\n", encoding="utf-8")
    assert site.run_sphinx(source, tmp_path / "html") != 0
