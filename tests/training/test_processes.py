"""One process learns alone, several as one."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.utils.dataclasses import DistributedType
from torch import nn

from piggygan.errors import ConfigurationError, ResumeError
from piggygan.training import Checkpoints
from piggygan.training.processes import Processes


def test_one_process_alone_is_the_main_one_and_shares_nothing() -> None:
    processes = Processes(seed=3)
    module = nn.Conv2d(1, 1, 1)
    attributes = set(vars(module))
    assert (processes.count, processes.index, processes.is_main) == (1, 0, True)
    assert processes.prepare_module(module) is module
    assert set(vars(module)) == attributes
    values = torch.tensor([1.0, -2.0])
    assert torch.equal(processes.mean(values.clone()), values)
    before = values.clone()
    processes.share([values])
    processes.wait()
    assert torch.equal(values, before)


def test_a_seed_sets_every_random_state() -> None:
    drawn = []
    for seed in (5, 5, 6):
        Processes(seed)
        drawn.append((torch.rand(1).item(), float(np.random.rand()), random.random()))
    assert drawn[0] == drawn[1]
    assert all(one != other for one, other in zip(drawn[0], drawn[2], strict=True))


def test_a_batch_keeps_what_is_no_tensor(make_pair: Any) -> None:
    moved = Processes(0).to_device(make_pair(torch.zeros(1), torch.ones(1), ["x"]))
    assert (moved.name, moved.target.item()) == (["x"], 1.0)


def test_accelerate_that_splits_networks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piggygan.training.processes.Accelerator.distributed_type", DistributedType.FSDP)
    with pytest.raises(ConfigurationError, match="started with FSDP, which splits networks over processes"):
        Processes(0)


TWO_PROCESSES = """
import sys, torch
from pathlib import Path
from typing import NamedTuple
from piggygan.networks import PatchDiscriminator, UNetGenerator
from piggygan.training import Pix2PixObjective, TrainingOptions, train

class Pair(NamedTuple):
    input: torch.Tensor
    target: torch.Tensor
    name: str

torch.manual_seed(0)
images = torch.rand(4, 1, 16, 16) * 2 - 1
generator = UNetGenerator(1, 1, depth=3, width=2)
objective = Pix2PixObjective(generator, PatchDiscriminator(2, width=2, layers=1))
loader = torch.utils.data.DataLoader([Pair(x, -x, "x") for x in images], batch_size=int(sys.argv[2]))
train(objective, loader, TrainingOptions(epochs=3, learning_rate=1e-3, log_path=Path(sys.argv[1] + ".log")))
if torch.distributed.is_initialized():
    rank = torch.distributed.get_rank()
    torch.distributed.destroy_process_group()
else:
    rank = "one"
torch.save([*generator.state_dict().values()], f"{sys.argv[1]}.{rank}")
torch.save(generator(images), f"{sys.argv[1]}.{rank}.images")
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_batches_twice_as_large(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TWO_PROCESSES)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": root}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment["PYTHONWARNINGS"] = "error::FutureWarning"
    subprocess.run([sys.executable, script, tmp_path / "a", "2"], check=True, env=environment)
    subprocess.run([sys.executable, *launch, script, tmp_path / "b", "1"], check=True, env=environment)
    here, there = (torch.load(tmp_path / f"b.{rank}", weights_only=True) for rank in "01")
    assert [tensor.numpy().tobytes() for tensor in here] == [tensor.numpy().tobytes() for tensor in there]
    # Not the tensors: a bias before instance norm has no gradient but rounding, which Adam blows up to full steps.
    one, two = (torch.load(tmp_path / f"{name}.images", weights_only=True) for name in ("a.one", "b.0"))
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)
    logs = [
        [json.loads(line)["losses"] for line in (tmp_path / f"{name}.log").read_text().splitlines()] for name in "ab"
    ]
    assert logs[1] == [pytest.approx(epoch, rel=1e-3) for epoch in logs[0]]


State = Callable[[Path], tuple[Any, dict[str, bytes]]]
Several = Callable[..., Any]
LOST = "one of the 2 processes ended, was killed, or was not heard of for an hour, and the others with it"


def test_two_processes_of_which_one_is_killed_go_on_to_the_same_bytes(
    several: Several, end_state: State, program: Any, tmp_path: Path
) -> None:
    assert several(tmp_path / "whole", epochs=2)["codes"] == [0, 0]
    killed = several(tmp_path / "cut", at={"1": 8}, what="kill", epochs=2)
    assert killed["codes"] == [2, -9]
    assert killed["said"].startswith(f"0: ProcessLostError: {LOST}: start the same again")
    assert killed["said"].count("\n") == 1
    # The other one comes first, and must not look for the main one where that was when it was killed.
    assert several(tmp_path / "cut", epochs=2, late=1, patience=120)["codes"] == [0, 0]
    document, tensors = end_state(tmp_path / "whole")
    assert (document, tensors) == end_state(tmp_path / "cut")
    assert tensors["random.torch"] != tensors["process.1.random.torch"]
    with pytest.raises(ResumeError, match="number of processes was 2, is 1; batches an epoch was 5, is 10"):
        program.run(program.make_objective(), program.make_data("shuffle"), Checkpoints(tmp_path / "whole"), epochs=2)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("kind", ["pix2pix", "supervised", "cyclegan"])
def test_several_processes_go_on_to_the_same_bytes_whatever_happens_to_them(
    several: Several, end_state: State, tmp_path: Path, kind: str, count: int
) -> None:
    several(tmp_path / "whole", count, kind=kind)
    everyone = {str(number): 4 for number in range(count)}
    for at, what, codes in (
        ({"1": 2}, "kill", [2, -9, 2, 2]),
        ({"0": 4}, "kill", [-9, 2, 2, 2]),
        (everyone, "kill", [-9] * 4),
        ({"0": 2}, "kill in a checkpoint", [-9, 2, 2, 2]),
        ({"1": 1}, "kill in a checkpoint", [2, -9, 2, 2]),
        ({"1": 2}, "terminate", [143] * 4),
        ({"1": 3}, "fail", [2] * 4),
    ):
        found = several(tmp_path / "cut", count, kind=kind, at=at, what=what, every_steps=2)
        assert found["codes"] == codes[:count], found["said"]
        assert "Traceback" not in found["said"]
        assert len([*(tmp_path / "cut").glob(".last-*.tmp")]) == (what == "kill in a checkpoint" and "0" in at)
    assert several(tmp_path / "cut", count, kind=kind, every_steps=2)["codes"] == [0] * count
    assert end_state(tmp_path / "cut") == end_state(tmp_path / "whole")


@pytest.mark.slow
def test_the_best_epoch_is_kept_by_several_processes_too(several: Several, tmp_path: Path) -> None:
    assert several(tmp_path, scored=True)["codes"] == [0, 0]
    assert len([*tmp_path.glob("best-*")]) == 1


@pytest.mark.slow
def test_another_number_of_processes_goes_on_if_it_may_do_so_inexactly(several: Several, tmp_path: Path) -> None:
    assert several(tmp_path, 2, at={"1": 8}, what="terminate")["codes"] == [143, 143]
    assert "number of processes was 2, is 4" in several(tmp_path, 4)["said"]
    assert several(tmp_path, 4, inexact=True)["codes"] == [0, 0, 0, 0]


@pytest.mark.slow
def test_more_processes_than_batches_are_refused(several: Several, tmp_path: Path) -> None:
    found = several(tmp_path, 2, data="one batch")
    assert "there are 1 batches, and 2 processes to share them" in found["said"]


def started(folder: Path, *how: str, program: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start the resumable program under torchrun."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(root)}
    script = str(Path(__file__).with_name("resumable_program.py"))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=1", *how, script, str(folder)]
    return subprocess.Popen(
        [*command, *program], env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_process_that_dies_is_started_again_by_torchrun_and_nothing_is_lost(
    several: Several, end_state: State, tmp_path: Path
) -> None:
    how = ("--standalone", "--nproc-per-node=2", "--max-restarts=1")
    elastic = started(tmp_path / "cut", *how, program=("--every-steps", "2", "--die-once", "8"))
    said = elastic.communicate(timeout=300)[1]
    assert elastic.returncode == 0, said
    assert (tmp_path / "cut" / "dead").exists()
    several(tmp_path / "whole")
    assert end_state(tmp_path / "cut") == end_state(tmp_path / "whole")
