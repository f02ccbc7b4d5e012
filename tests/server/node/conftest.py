"""A registry of small tasks, films of it, senders, destinations and a node between them, all on the loopback."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch

pytest.importorskip("pynetdicom")
pytest.importorskip("highdicom")

from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    ComputedRadiographyImageStorage,
    SegmentationStorage,
    Verification,
)

from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.server.node.node import Node
from piggygan.server.node.options import Destination, NodeLimits, NodeOptions
from piggygan.server.node.rules import Rule, Rules
from piggygan.server.source import Source

SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]
LUNGS = Rules((Rule("lungs"),))


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Facades, which makes pictures, and lungs and hearts, which make masks, at 16 px."""
    folder = tmp_path_factory.mktemp("noded") / "clinic"
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    for task in ("lungs", "hearts"):
        model.add_task(task, out_channels=1)
        with torch.no_grad():
            for parameter in model.task_parameters(task):
                parameter.add_(torch.randn_like(parameter) * 0.05)
        model.freeze_task(task)
    for task in ("facades", "lungs", "hearts"):
        TaskRegistry(folder).commit(model, task, image_size=16)
    return folder


@pytest.fixture
def film(tmp_path: Path, write_film: Callable[..., Path]) -> Callable[..., pydicom.Dataset]:
    """Write a film of noise, and read it back."""

    def write(seed: int = 0, **attributes: Any) -> pydicom.Dataset:
        pixels = np.random.default_rng(seed).integers(0, 256, (24, 20), dtype=np.uint8)
        found = pydicom.dcmread(write_film(tmp_path / f"film{seed}.dcm", pixels, **attributes))
        found.decode()
        return found

    return write


class Archive:
    """A destination in this process.

    Attributes:
        masks: Bytes of each data set that came, in order, with its SOP Instance UID.
        status: What is answered.
    """

    def __init__(self, port: int = 0) -> None:
        self.masks: list[tuple[str, bytes]] = []
        self.status = 0x0000
        self._entity = AE("ARCHIVE")
        self._entity.add_supported_context(SegmentationStorage, SYNTAXES)
        self._server: Any = self._entity.start_server(
            ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        """Listen no more."""
        self._entity.shutdown()

    def wait_for(self, count: int, seconds: float = 300) -> list[pydicom.Dataset]:
        """Wait until so many different masks have come, and read them."""
        until = time.monotonic() + seconds
        while len({name for name, _ in self.masks}) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len({name for name, _ in self.masks}) == count
        return [pydicom.dcmread(io.BytesIO(content)) for _, content in self.masks]

    def _store(self, event: Any) -> int:
        if self.status == 0:
            self.masks.append((str(event.request.AffectedSOPInstanceUID), event.encoded_dataset()))
        return self.status


@pytest.fixture
def archive() -> Iterator[Archive]:
    found = Archive()
    yield found
    found.close()


@pytest.fixture
def run_node(clinic: Path, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Run a node in this process, on a port of its own."""
    running: list[Node] = []
    former = logging.getLogger("pynetdicom").level
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)

    def run(port: int, rules: Rules = LUNGS, queue: str = "queue", **options: Any) -> Node:
        limits = options.pop("limits", NodeLimits(seconds=5))
        chosen = NodeOptions(Destination("ARCHIVE", "127.0.0.1", port), port=0, limits=limits, **options)
        running.append(Node(Source(clinic), tmp_path / queue, rules, chosen, first=0.05))
        return running[-1]

    yield run
    for node in running:
        node.close(seconds=1)
    logging.getLogger("pynetdicom").setLevel(former)
    assert not [thread for thread in threading.enumerate() if thread.name in ("translating", "sending", "receiving")]


def associated(node: Node, calling: str = "SENDER", called: str = "PIGGYGAN", syntaxes: list[str] = SYNTAXES) -> Any:
    """Ask a node for an association."""
    entity = AE(calling)
    entity.add_requested_context(Verification)
    entity.add_requested_context(ComputedRadiographyImageStorage, syntaxes)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    return entity.associate("127.0.0.1", node.receiver.port, ae_title=called)


def store(node: Node, *films: pydicom.Dataset, **names: Any) -> list[int]:
    """Send films to a node on one association; give its answers."""
    association = associated(node, **names)
    assert association.is_established
    answers = [int(association.send_c_store(film).Status) for film in films]
    association.release()
    return answers


def wait_until(is_so: Callable[[], Any], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
