"""Two nodes: two network namespaces of this machine with a cable between them, and an agent of torchrun in each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).with_name("resumable_program.py")
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONPATH": str(PROGRAM.parents[2]),
    "GLOO_SOCKET_IFNAME": "cable",
    # torch 2.13 tells a node that comes back nothing of the store that the first node has shared since the start.
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
}


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout  # noqa: S607


@dataclass
class Node:
    """A namespace with its address; the first has the meeting place."""

    name: str
    number: int

    @property
    def address(self) -> str:
        return f"10.77.0.{self.number + 1}"

    def start(self, folder: Path) -> subprocess.Popen[str]:
        """Start the agent, which starts a process that trains."""
        meeting = ("--rdzv-backend=c10d", "--rdzv-endpoint=10.77.0.1:29500", "--rdzv-id=exp")
        lasting = f"--rdzv-conf=is_host={int(self.number == 0)},keep_alive_max_attempt=6"  # on a machine that is busy
        how = (
            "--nnodes=2",
            "--nproc-per-node=1",
            "--max-restarts=3",
            f"--local-addr={self.address}",
            *meeting,
            lasting,
        )
        command = ["ip", "netns", "exec", self.name, sys.executable, "-m", "torch.distributed.run", *how]
        return subprocess.Popen(
            [*command, str(PROGRAM), str(folder), "--every-steps", "1", "--slow", "0.5"],
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """End everything that runs on the node, as if its power were cut."""
        for process in ip("netns", "pids", self.name).split():
            os.kill(int(process), signal.SIGKILL)


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    made = [Node(f"piggygan-{os.getpid()}-{number}", number) for number in range(2)]
    try:
        ip("netns", "add", made[0].name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces need root and iproute2: {error}")
    ip("netns", "add", made[1].name)
    try:
        ip("-n", made[0].name, "link", "add", "cable", "type", "veth", "peer", "cable", "netns", made[1].name)
        for node in made:
            ip("-n", node.name, "address", "add", f"{node.address}/24", "dev", "cable")
            for interface in ("cable", "lo"):
                ip("-n", node.name, "link", "set", interface, "up")
        yield made
    finally:
        for node in made:
            node.kill()
            ip("netns", "delete", node.name)


def started(nodes: list[Node], folder: Path) -> list[subprocess.Popen[str]]:
    """Start all nodes, and wait for what they learn together to be saved."""
    agents = [node.start(folder) for node in nodes]
    while not list(folder.glob("last-*")):
        assert [agent.poll() for agent in agents] == [None, None]
        time.sleep(0.1)
    return agents


def ended(agents: list[subprocess.Popen[str]]) -> None:
    said = [agent.communicate(timeout=540)[1] for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], "\n".join(said)


def test_a_node_that_is_killed_and_comes_back_costs_nothing(
    nodes: list[Node], several: Callable[..., Any], end_state: Callable[[Path], Any], tmp_path: Path
) -> None:
    first, second = started(nodes, tmp_path / "cut")
    nodes[1].kill()
    second.communicate()
    assert first.poll() is None
    ended([first, nodes[1].start(tmp_path / "cut")])
    several(tmp_path / "whole")
    assert end_state(tmp_path / "cut") == end_state(tmp_path / "whole")


def test_if_the_first_node_is_killed_the_other_ends_and_the_same_lines_go_on(
    nodes: list[Node], several: Callable[..., Any], end_state: Callable[[Path], Any], tmp_path: Path
) -> None:
    first, second = started(nodes, tmp_path / "cut")
    nodes[0].kill()
    first.communicate()
    second.communicate(timeout=540)
    assert second.returncode not in (None, 0)
    ended([node.start(tmp_path / "cut") for node in nodes])
    several(tmp_path / "whole")
    assert end_state(tmp_path / "cut") == end_state(tmp_path / "whole")
