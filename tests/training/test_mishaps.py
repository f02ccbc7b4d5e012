"""What goes wrong underneath is said in terms of what can be done."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError, DatasetError, DeviceMemoryError, ImageError
from piggygan.training import Checkpoints, SupervisedObjective


class KillsItsWorker(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class Sleeps(KillsItsWorker):
    def __getitem__(self, index: int) -> Any:
        time.sleep(2)


class HasABadFile(KillsItsWorker):
    def __getitem__(self, index: int) -> Any:
        raise ImageError(f"file number {index} is not a PNG or JPEG.")


def test_e14_a_killed_worker_is_an_error_and_no_hang(program: Any) -> None:
    loader = DataLoader(KillsItsWorker(), 2, num_workers=1)
    with pytest.raises(DatasetError, match="in epoch 1 a worker of the loader was lost"):
        program.run(program.make_objective(), loader, None)


@pytest.mark.slow
def test_e14_a_worker_that_takes_too_long_is_an_error_and_no_hang(program: Any) -> None:
    loader = DataLoader(Sleeps(), 2, num_workers=1, timeout=1)
    with pytest.raises(DatasetError, match="gave nothing for too long"):
        program.run(program.make_objective(), loader, None)


@pytest.mark.unpickles
def test_e14_a_bad_file_in_the_middle_is_named(program: Any) -> None:
    loader = DataLoader(HasABadFile(), 2, num_workers=1)
    with pytest.raises(ImageError, match="file number 0 is not a PNG"):
        program.run(program.make_objective(), loader, None)


def test_e15_too_little_memory_names_the_batch_and_its_size(program: Any, tmp_path: Path) -> None:
    objective = program.make_objective()

    def full(_: Any) -> Any:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore")

    objective.play = full
    with pytest.raises(DeviceMemoryError, match=r"batch of 2 with inputs of shape \(3, 8, 8\) \(CUDA out of memory"):
        program.run(objective, program.make_data("list"), Checkpoints(tmp_path))


class Undetermined(nn.Module):
    """Raises as PyTorch does for an operation without a deterministic implementation."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.pad = nn.ReflectionPad2d(1)
        self.conv = nn.Conv2d(3, 1, 3)

    def forward(self, images: Tensor) -> Tensor:
        if self.operation:
            raise RuntimeError(f"{self.operation} does not have a deterministic implementation, but you set ...")
        output: Tensor = self.conv(self.pad(images))
        values = torch.zeros_like(output).put_(torch.zeros(1, dtype=torch.int64), torch.zeros(1))
        return output + values


@pytest.mark.parametrize(
    ("operation", "named"),
    [("reflection_pad2d_backward_cuda", r"\(layer generator\.pad\)"), ("", "put_ is not deterministic")],
)
def test_e17_an_operation_that_is_not_deterministic_names_its_layer(program: Any, operation: str, named: str) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(ConfigurationError, match=named):
            program.run(SupervisedObjective(Undetermined(operation)), program.make_data("list"), None)
    finally:
        torch.use_deterministic_algorithms(False)


def test_d11_any_other_error_comes_through(program: Any) -> None:
    with pytest.raises(RuntimeError, match="mine"):
        program.run(SupervisedObjective(Raises()), program.make_data("list"), None)


class Raises(nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(3, 1, 1)

    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("mine")
