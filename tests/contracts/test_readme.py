"""What README tells a newcomer to type works as it stands."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from piggygan.data.synthetic.facades import write_facades

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
SMALLER = {
    "depth=7, width=32": "depth=5, width=4",
    "128": "32",
    "PatchDiscriminator(6)": "PatchDiscriminator(6, width=4)",
}


def test_the_code_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_facades(tmp_path / "facades" / "train", 8, 32, seed=0)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    codes = [text for kind, text in BLOCKS if kind == "python"]
    for code in codes:
        for large, small in SMALLER.items():
            code = code.replace(large, small)
        exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # the README is ours
    assert len(codes) == 3
    assert all(large in README for large in SMALLER)
    registry = names["registry"]
    assert (registry.tasks, registry.verify().is_sound) == (("facades", "lungs"), True)
    assert names["found"].shape == names["mask"].shape
    assert type(names["plain"]) is names["pg"].UNetGenerator


COMMANDS = [line.split("#")[0].split() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line]


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
