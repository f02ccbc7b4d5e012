"""One network learns all tasks of a pool together, and a preset says which those are."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import piggygan as pg
from benchmarks.evidence.baselines.joint import Joint
from benchmarks.evidence.preset import read_preset
from benchmarks.evidence.stored_sizes import size_of
from piggygan.errors import ConfigurationError

TASKS = ("facades", "here", "hearts", "there")


def joint() -> Joint:
    torch.manual_seed(0)
    contender = Joint(pg.UNetGenerator(depth=3, width=2, norm="batch"), "facades")
    contender.pool([("here", "there")])
    return contender


def mine(folder: Path, changed: str = "", pools: str = 'lungs = ["lungs", "lungs-5"]') -> str:
    path = folder / "mine.toml"
    path.write_text(f'like = "smoke"\n[pools]\n{pools}\n{changed}', encoding="utf-8")
    return str(path)


def test_a_pool_has_one_network_which_begins_from_scratch_with_each_task_more() -> None:
    contender = joint()
    for task in TASKS[1:]:
        assert contender.practises(task) == (("here",) if task == "there" else ())
        contender.begin(task)
        if task == "here":
            alone = contender.network("here")
    assert contender.network("here") is contender.network("there")
    assert contender.network("here") is not alone
    assert len({id(contender.network(task)) for task in TASKS}) == 3
    weights = [next(network.parameters()) for network in (alone, contender.network("here"), contender.generator)]
    assert len({weight.sum().item() for weight in weights}) == 3


def test_all_networks_so_far_are_stored_and_come_back() -> None:
    contender, fresh = joint(), joint()
    stored: dict[str, dict[str, Tensor]] = {}
    for task in TASKS:
        if task != "facades":
            contender.begin(task)
        for parameter in contender.network(task).parameters():
            torch.nn.init.normal_(parameter)
        stored[task] = {name: tensor.clone() for name, tensor in contender.stored(task).items()}
    one = size_of(stored["facades"]).parameters
    assert [size_of(stored[task]).parameters // one for task in TASKS] == [1, 2, 3, 3]
    for task in TASKS:
        if task != "facades":
            fresh.begin(task)
        fresh.restore(task, stored[task])
    images = torch.randn(2, 3, 8, 8)
    for task in TASKS:
        assert torch.equal(fresh.network(task).eval()(images), contender.network(task).eval()(images))


def test_a_cell_says_which_of_its_tasks_were_pooled(tmp_path: Path) -> None:
    preset = read_preset("smoke")
    cells = preset.chain("joint", "lungs-twice", 0)[1:]
    assert [preset.described(cell)["pools"] for cell in cells] == [[["lungs"]], [["lungs", "lungs-5"]]]
    assert not any("pools" in preset.described(cell) for cell in preset.chain("ours", "lungs-twice", 0))
    assert preset.made(cells[1], preset.described(cells[1]))
    other = read_preset(mine(tmp_path, pools='lungs = ["lungs"]'))
    assert other.made(cells[0], preset.described(cells[0]))
    assert not other.made(cells[1], preset.described(cells[1]))


@pytest.mark.parametrize(
    ("pools", "changed", "message"),
    [
        ('lungs = ["lungs", "spleens"]', "", r"pool 'lungs' has no such task as spleens"),
        ('all = ["lungs", "labels-to-facades"]', "", r"pool 'all' has tasks of several kinds, mask, photo"),
        ('a = ["lungs"]\nb = ["lungs", "lungs-5"]', "", r"lungs are in both pools 'a' and 'b'"),
        ("", "", r"stage 4 has joint, and there are no \[pools\]"),
        (
            'lungs = ["lungs"]',
            '[[stages]]\norders = ["lungs-photos"]\nmethods = ["nnunet-like"]\nseeds = [0]\n',
            r"stage 1 has nnunet-like, which learns masks, for facades-to-labels, labels-to-facades",
        ),
    ],
)
def test_what_cannot_be_learned_together_is_refused(tmp_path: Path, pools: str, changed: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_preset(mine(tmp_path, changed, pools))
