"""What docs/generators.md says of generators: each line has its test, and here are those that fit nowhere else."""

import ast
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import UnsupportedModuleError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "generators.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "| test |" not in line]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_the_page_names_is_there(file: str, test: str) -> None:
    path = ROOT / file if "/" in file else Path(__file__).parent / file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS)
def test_every_line_of_the_page_names_its_test(row: str) -> None:
    assert re.search(r"\| `[\w/]+\.py::test_\w+` \|$", row)


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.scale


def test_a_parameter_of_the_root_is_refused_with_a_way_out() -> None:
    with pytest.raises(
        UnsupportedModuleError, match=r"the generator itself \(Scaled\) has scale: move it into a module"
    ):
        pg.MultiTaskGenerator(Scaled(), "facades")


def test_a_layer_is_no_longer_an_instance_of_what_it_holds() -> None:
    generator = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(nn.Linear(8, 8)))
    model = pg.MultiTaskGenerator(generator, "facades", per_task=["1"])
    assert not isinstance(model.generator[0], nn.Conv2d)
    with pytest.raises(TypeError):
        model.generator[1][0]
