"""Small pairs of pictures to learn from, and networks that take milliseconds."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from piggygan.networks import NormKind, PatchDiscriminator, UNetGenerator
from piggygan.training import Checkpoints, Pix2PixObjective
from piggygan.training.checkpoints.folder import CheckpointFolder


class Pair(NamedTuple):
    input: Tensor
    target: Tensor
    name: str | list[str]


class Pairs(Dataset[Pair]):
    """Noise and its negative; notes down which epoch it was told."""

    def __init__(self, count: int = 3, side: int = 16) -> None:
        images = torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
        self.pairs = [Pair(image, -image, f"image {index}") for index, image in enumerate(images)]
        self.epochs: list[int] = []

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index]

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


@pytest.fixture
def pairs() -> Pairs:
    return Pairs()


@pytest.fixture
def make_pair() -> type[Pair]:
    return Pair


@pytest.fixture
def make_loader(pairs: Pairs) -> Callable[[], DataLoader[Pair]]:
    return lambda: DataLoader(pairs, batch_size=1, shuffle=True)


@pytest.fixture
def make_objective() -> Callable[..., Pix2PixObjective]:
    """Make the same small pix2pix at every call."""

    def make(norm: NormKind = "instance", **arguments: Any) -> Pix2PixObjective:
        torch.manual_seed(7)
        generator = UNetGenerator(1, 1, depth=3, width=2, norm=norm)
        discriminator = PatchDiscriminator(2, width=2, layers=1, norm=norm)
        noisy = nn.Sequential(nn.Dropout(0.1), generator)  # so that chance has a part in training
        return Pix2PixObjective(noisy, discriminator, **arguments)

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two runs are to end in the same bytes, whatever else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


PROGRAM = Path(__file__).with_name("resumable_program.py")


@pytest.fixture(scope="session")
def program() -> Any:
    """Load the program that can be killed, to run the same training in this process."""
    spec = importlib.util.spec_from_file_location("resumable_program", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["resumable_program"] = module  # worker processes send its classes by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start_program() -> Callable[..., subprocess.Popen[str]]:
    """Start the program in a process of its own, which says "step" at each step."""

    def start(folder: Path, *arguments: str, start_new_session: bool = False) -> subprocess.Popen[str]:
        # A shell may have started the tests with signals ignored, which children would inherit.
        unignore = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"import runpy, sys; {unignore}; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
        environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2]), "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.Popen(
            [sys.executable, "-c", code, str(PROGRAM), str(folder), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            start_new_session=start_new_session,
        )  # fmt: skip

    return start


@pytest.fixture(scope="session")
def several() -> Iterator[Callable[..., Any]]:
    """Trains in several processes that a program forks; see its text for what can be told."""
    root = PROGRAM.parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "tests.training.several_processes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=root
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        stdin, stdout = process.stdin, process.stdout

        def learn(folder: Path, count: int = 2, **told: Any) -> Any:
            stdin.write(json.dumps({"folder": str(folder), "count": count, **told}) + "\n")
            stdin.flush()
            return json.loads(stdout.readline())

        yield learn
        stdin.close()


@pytest.fixture
def end_state() -> Callable[[Path], tuple[Any, dict[str, bytes]]]:
    """Read the newest checkpoint's whole state: all but wall times, and the bytes of each tensor."""

    def read(folder: Path) -> tuple[Any, dict[str, bytes]]:
        found = CheckpointFolder(folder, 2).newest_whole("last")
        assert found is not None
        _, document, tensors = found
        for record in document["history"]:
            record["seconds"] = 0.0
        document["seconds"] = 0.0
        return document, {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}

    return read


@pytest.fixture(scope="session")
def uninterrupted(program: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Train to the end without an interruption, once for each kind; return the folder."""
    folders: dict[tuple[str, str], Path] = {}

    def train(kind: str, data: str) -> Path:
        if (kind, data) not in folders:
            folders[kind, data] = tmp_path_factory.mktemp("whole")
            program.run(program.make_objective(kind), program.make_data(data), Checkpoints(folders[kind, data]))
        return folders[kind, data]

    return train
