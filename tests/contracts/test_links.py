"""Every relative link of README and the docs leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its blocks of code, in which brackets mean other things."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Names by which a page's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}


LINKS = [(page, link) for page in PAGES for link in LINK.findall(prose(page)) if "://" not in link]


def test_there_are_links_to_follow() -> None:
    assert len(LINKS) > 30


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda value: getattr(value, "name", value))
def test_a_link_leads_to_a_file_and_to_a_heading_in_it(page: Path, link: str) -> None:
    file, _, anchor = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    assert target.exists(), f"{page.name} links to {file}, which is not there"
    assert target.is_relative_to(ROOT), f"{page.name} links out of the repository"
    if anchor and target.suffix == ".md":
        assert anchor in anchors(target), f"{page.name} links to #{anchor}, but {target.name} has no such heading"
