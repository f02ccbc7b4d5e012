"""The map of the house is of this house: the drawing, and every module, file and name that it leads through."""

import importlib
import re
from pathlib import Path

import pytest

from tools import drawing

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("docs/architecture.md", "CONTRIBUTING.md")}
NAMED = [
    (page, name) for page, text in PAGES.items() for name in sorted(set(re.findall(r"`(piggygan(?:\.\w+)+)`", text)))
]


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize(("page", "name"), NAMED)
def test_what_the_map_names_is_there(page: str, name: str) -> None:
    assert is_there(name), f"{page} names {name}"


def test_a_name_that_is_not_there_is_noticed() -> None:
    assert not is_there("piggygan.training.loop.teach")
    assert not is_there("piggygan.classroom")


def test_every_room_is_told_of() -> None:
    rooms = {entry.name for entry in (ROOT / "piggygan").iterdir() if (entry / "__init__.py").is_file()}
    told = set(re.findall(r"^\| `piggygan\.(\w+)` \|", PAGES["docs/architecture.md"], flags=re.MULTILINE))
    assert told == rooms - {"terminal"}


def test_the_drawing_is_of_the_imports() -> None:
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.drawn(), "run python -m tools.drawing"


def test_an_arrow_that_others_imply_is_left_out() -> None:
    needed = {"top": frozenset({"middle", "ground"}), "middle": frozenset({"ground"}), "ground": frozenset()}
    assert drawing.arrows(needed) == [("top", "middle"), ("middle", "ground")]
    heights = [drawing.laid_out(needed)[room][1] for room in ("ground", "middle", "top")]
    assert heights == sorted(heights, reverse=True)


def test_contributing_is_read_in_one_go() -> None:
    assert len(PAGES["CONTRIBUTING.md"].splitlines()) < 150
