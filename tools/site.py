"""Builds the site from ``docs/`` and the docstrings: ``python -m tools.site``, or ``make docs``.

What Sphinx reads is laid out anew in ``build/site/source``, in the places of the repository, so that a link that works
there works here. A broken link, an unknown name or a page that no menu leads to ends it.
"""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tools.public_names import public_names, rooms

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "site"
INDEX = ROOT / "docs" / "index.md"
LARGEST_SITE = 4_500_000
"""Bytes."""
BESIDE_DOCS = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CITATION.cff",
    "Containerfile",
    "piggygan/layers/ways/README.md",
)
"""What pages of ``docs/`` link to and is not in it."""


def lay_out(source: Path) -> None:
    """Copy and generate all that Sphinx reads into a folder, which is made anew."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source / "docs", ignore=shutil.ignore_patterns("conf.py", "*.json", "api.md"))
    for picture in (source / "docs" / "images").glob("*.png"):
        Image.open(picture).convert("RGB").save(picture.with_suffix(".webp"), quality=85, method=6)
        picture.unlink()
    for page in (source / "docs").glob("*.md"):
        page.write_text(_with_small_pictures(page.read_text("utf-8")), encoding="utf-8")
    for name in BESIDE_DOCS:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    shutil.copy(ROOT / "docs" / "conf.py", source)
    (source / "docs" / "index.md").unlink()
    first = first_page(_with_small_pictures(INDEX.read_text("utf-8")))
    (source / "index.md").write_text(first, encoding="utf-8")
    (source / "docs" / "api.md").write_text("\n".join(_reference_index()), encoding="utf-8")
    (source / "docs" / "reference").mkdir()
    shown: set[type] = set()
    for room, names in _described():
        page = source / "docs" / "reference" / f"{room}.md"
        page.write_text("\n".join(_reference(room, names, shown)), encoding="utf-8")


def _with_small_pictures(text: str) -> str:
    return re.sub(r"\((images/\w+)\.png\)", r"(\1.webp)", text)


def first_page(text: str) -> str:
    """Turn ``docs/index.md`` into the site's first page: its links lead on, and its sections are the menu.

    Args:
        text: The page; each section's menu is what its links lead to.

    Returns:
        The page with a menu for each section that links to pages.
    """
    sections = []
    for section in re.split(r"^(?=## )", text, flags=re.MULTILINE):
        pages = re.findall(r"\]\(([\w./-]+\.md)\)", section)
        menu = [] if not pages or not section.startswith("## ") else _menu(section, pages)
        sections.append("\n".join([re.sub(r"\]\((?=[\w-]+[./])", "](docs/", section), *menu]))
    return "\n".join(sections).replace("](../", "](")


def _menu(section: str, pages: list[str]) -> Iterator[str]:
    caption = section.partition("\n")[0].removeprefix("## ")
    places = ["docs/" + page if not page.startswith("../") else page.removeprefix("../") for page in pages]
    yield from ("", "```{toctree}", ":hidden:", f":caption: {caption}", "")
    yield from (place.removesuffix(".md") for place in dict.fromkeys(places))
    yield from ("```", "")


def _reference_index() -> Iterator[str]:
    yield from ("# Reference", "", "After this page you know where a public name is described.", "")
    yield from ("```{toctree}", ":maxdepth: 1", "")
    yield from (f"reference/{room}" for room in rooms())
    yield "```"


def _described() -> Iterator[tuple[str, list[str]]]:
    """List each room with the names that are described on its page: what several rooms offer, in the first alone."""
    known: set[int] = set()
    for room in rooms():
        module = importlib.import_module(room)
        names = [name for name in public_names(room) if id(getattr(module, name)) not in known]
        known |= {id(getattr(module, name)) for name in names if callable(getattr(module, name))}
        yield room, names


def _reference(room: str, names: list[str], shown: set[type]) -> Iterator[str]:
    module = importlib.import_module(room)
    yield from (f"# {room}", "", (module.__doc__ or "").strip(), "")
    if elsewhere := [name for name in public_names(room) if name not in names]:
        yield from (f"Described elsewhere: {', '.join(f'{{py:obj}}`{room}.{name}`' for name in elsewhere)}.", "")
    for name in names:
        found = getattr(module, name)
        kind = _directive(found)
        members = list(_members(found, shown)) if kind == "autoclass" else []
        yield from ("```{eval-rst}", f".. {kind}:: {room}.{name}", *members, "```", "")


def _members(described: type, shown: set[type]) -> Iterator[str]:
    """Yield what makes autodoc show a class's members, but those of a base that was shown already, with it or alone."""
    others = [base.__name__ for base in described.__mro__[1:] if base in shown]
    yield "   :members:"
    yield f"   :inherited-members: {', '.join(['Module', 'Exception', 'tuple', 'dict', *others])}"
    yield "   :show-inheritance:"
    shown |= {base for base in described.__mro__ if base.__module__.startswith("piggygan")}


def _directive(found: object) -> str:
    if inspect.isclass(found):
        return "autoexception" if issubclass(found, BaseException) else "autoclass"
    return "autofunction" if callable(found) else "autodata"


def run_sphinx(source: Path, html: Path) -> int:
    """Turn what was laid out into pages; a warning ends it.

    Returns:
        0, or what Sphinx ended with.
    """
    trees = html.with_name("trees")
    for old in (html, trees):
        shutil.rmtree(old, ignore_errors=True)
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(trees), str(source), str(html)]
    return subprocess.run([sys.executable, *command], check=False).returncode  # noqa: S603 (our own words)


def trim(html: Path) -> None:
    """Take out maps of scripts, and elements that keep code in a sentence from being broken: at 400 px it has to be.

    Args:
        html: The pages; a ninth of their bytes were such elements.
    """
    for source in html.rglob("*.map"):
        source.unlink()
    for page in html.rglob("*.html"):
        page.write_text(re.sub(r'<span class="pre">([^<]*)</span>', r"\1", page.read_text("utf-8")), encoding="utf-8")


def build(folder: Path) -> int:
    """Build the site into the folder ``html`` of another.

    Returns:
        0; or what Sphinx ended with, or 1 if the site is too large.
    """
    lay_out(folder / "source")
    if ended := run_sphinx(folder / "source", folder / "html"):
        return ended
    trim(folder / "html")
    size = sum(path.stat().st_size for path in (folder / "html").rglob("*") if path.is_file())
    sys.stdout.write(f"{folder / 'html' / 'index.html'}: {size / 1e6:.1f} MB\n")
    if size > LARGEST_SITE:
        sys.stderr.write(f"The site has {size} bytes, at most {LARGEST_SITE} were wanted.\n")
    return int(size > LARGEST_SITE)


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
