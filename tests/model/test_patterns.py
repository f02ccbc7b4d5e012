"""Which modules a path, a pattern or a type means."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.model.allocation import layer_fractions
from piggygan.model.patterns import matches


class Bracketed(nn.Module):
    """As users name parts who add them in a loop: with brackets, and with what means something in a pattern."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("head[0]", "head0", "mix[0]", "mix0", "mi?0", "tail"):
            self.add_module(name, nn.Linear(4, 4) if name.startswith("mi") else nn.Conv2d(4, 4, 1))

    def forward(self, images: Tensor) -> Tensor:
        for name, part in self.named_children():
            images = part(images.movedim(1, 3)).movedim(3, 1) if name.startswith("mi") else part(images)
        return images


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("mix[0]", ["mix[0]"]),
        ("mix0", ["mix0"]),
        ("mi?0", ["mi?0"]),  # the path itself, and not the others that it would match
        ("mi*0", ["mix0", "mi?0"]),
        ("mix*", ["mix[0]", "mix0"]),
        ("mix?0?", ["mix[0]"]),
        ("mix[!a]", []),
        ("", []),
    ],
)
def test_a_pattern_means_these_paths(pattern: str, meant: list[str]) -> None:
    paths = ["mix[0]", "mix0", "mi?0"]
    assert [path for path in paths if matches(pattern, path, paths)] == meant


def test_modules_are_chosen_by_their_own_path_and_no_other() -> None:
    planned = pg.plan(Bracketed(), per_task=["mix[0]", "mix0"], shared_frozen=["mi?0"], include=["head[0]", "tail"])
    assert list(planned.of("per_task")) == ["mix[0]", "mix0"]
    assert list(planned.of("shared_frozen")) == ["head0", "mi?0"]
    assert list(planned.of("mixed")) == ["head[0]", "tail"]


def test_a_share_of_a_path_with_brackets_is_that_of_no_other() -> None:
    assert layer_fractions({"up[0]": 0.5}, {"up[0]": 9, "up0": 9}) == {"up[0]": 0.5, "up0": 0.25}
    with pytest.raises(ConfigurationError, match=r"'up\[01\]' matches no module"):
        layer_fractions({"up[01]": 0.5}, {"up0": 9, "up1": 9})


def test_a_registry_in_a_folder_with_brackets_keeps_parts_with_brackets(tmp_path: Path) -> None:
    choices = {"per_task": ["mix[0]"], "shared_frozen": ["mix0", "mi?0"]}
    model = pg.MultiTaskGenerator(Bracketed(), "facades", **choices)
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction={"head[0]": 0.5})
    model.freeze_task("lungs")
    registry = pg.TaskRegistry(tmp_path / "runs [1] *")
    for task in model.tasks:
        registry.commit(model, task, probe=torch.rand(1, 4, 8, 8))
    loaded = registry.load(generator=Bracketed())
    images = torch.rand(1, 4, 8, 8)
    for task in model.tasks:
        assert torch.equal(loaded(images, task=task), model.eval()(images, task=task))
