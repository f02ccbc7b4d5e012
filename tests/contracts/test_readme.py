"""What README tells a newcomer to type works as it stands."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/features.md")}
README = PAGES["README.md"]
SMALLER = {
    "depth=7, width=32": "depth=5, width=4",
    "128": "32",
    "PatchDiscriminator(": "PatchDiscriminator(width=4, in_channels=",
}


def blocks(page: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_the_code_runs_from_top_to_bottom(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_facades(tmp_path / "facades" / "train", 4, 32, seed=0)
    write_xrays(tmp_path, 4, 32, seed=0)
    (tmp_path / "images").rename(tmp_path / "films")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    codes = [text for kind, text in blocks(PAGES[page]) if kind == "python"]
    for code in codes:
        for large, small in SMALLER.items():
            code = code.replace(large, small)
        exec(compile(code, page, "exec"), names)  # noqa: S102  # the pages are ours
    assert codes
    registry = names["registry"]
    assert (registry.tasks, registry.verify().is_sound) == (("facades", "lungs"), True)
    assert type(names["plain"]) is names["pg"].UNetGenerator


def test_it_is_short() -> None:
    assert len(README.split()) <= 600


COMMANDS = [
    line.split("#")[0].split()
    for page in PAGES.values()
    for kind, text in blocks(page)
    if kind == "sh"
    for line in text.splitlines()
    if line
]


def test_every_target_of_make_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [words[1] for words in COMMANDS if words[0] == "make"]
    assert {"demo", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] != "make"], ids=" ".join)
def test_every_script_takes_the_options_that_it_is_given(words: list[str]) -> None:
    assert words[0] == "python"
    command = [sys.executable, str(ROOT / words[1]), "--help"]
    options = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(re.search(rf"{word}\b", options) for word in words if word.startswith("--"))
