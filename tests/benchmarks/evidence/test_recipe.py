"""The recipe for a method of one's own is what the repository does itself."""

import re
import tomllib
from pathlib import Path

from benchmarks.evidence.baselines import distillation
from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.methods import METHODS
from benchmarks.evidence.preset import read_preset

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "your_method.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_class_of_the_recipe_is_the_one_that_is_run() -> None:
    (shown,) = blocks("python")
    source = Path(distillation.__file__).read_text(encoding="utf-8")
    assert shown[shown.index("class ") :] == source[source.index("class ") :]
    assert f'"distillation": {METHODS["distillation"].__name__}' in PAGE


def test_the_recipe_names_every_method_that_a_contender_has() -> None:
    own = {name for name in vars(Contender) if not name.startswith("_")}
    assert own - set(re.findall(r"`(\w+)", PAGE)) == set()


def test_the_chain_of_the_recipe_is_a_preset(tmp_path: Path) -> None:
    (chain,) = blocks("toml")
    path = tmp_path / "mine.toml"
    path.write_text(chain, encoding="utf-8")
    preset = read_preset(str(path))
    assert [cell.name for cell in preset.cells()][:3] == [
        "separate.alone.maps.0",
        "separate.alone.lungs.0",
        "ours.mine.lungs.0",
    ]
    assert set(tomllib.loads(chain)["sources"]) == set(preset.sources)
