"""A small registry of two tasks, its server, and pictures to send."""

from __future__ import annotations

import faulthandler
import io
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from piggygan.data.untrusted.reader import UntrustedReader
from piggygan.data.untrusted.talking import end_child
from piggygan.evaluation.familiarity import FEATURES, Familiarity
from piggygan.evaluation.temperature import CALIBRATION, temperature_tensors
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import Member, TaskRegistry
from piggygan.server import computing
from piggygan.server.app import application
from piggygan.server.limits import Limits
from piggygan.server.service import Service
from piggygan.server.serving import ServeOptions, listening, server_of
from piggygan.server.source import Source


class LentReader(UntrustedReader):
    """A reader whose process goes to the next one: starting one takes 2.5 s of computing, and tests start dozens.

    How processes start, end and fail is tested where they are made, in ``tests/data/untrusted``.
    """

    idle: ClassVar[list[Any]] = []

    def start(self) -> None:
        """Take a process that has nothing to do, or start one."""
        if self._child is None and self.idle:
            self._child = self.idle.pop()
            self._is_ready = True
        super().start()

    def close(self) -> None:
        """Leave the process to the next reader, unless it was in the middle of something or never began."""
        if self._child is not None and self._is_ready and sys.exc_info()[0] is None and self._child.poll() is None:
            self.idle.append(self._child)
            self._child = None
        super().close()


@pytest.fixture(scope="session", autouse=True)
def _lent_readers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(computing, "UntrustedReader", LentReader)
        if find_spec("pynetdicom") is not None:
            from piggygan.server.node import translating

            patch.setattr(translating, "UntrustedReader", LentReader)
        yield
    for child in LentReader.idle:
        end_child(child)


def commit_clinic(folder: Path) -> None:
    """Commit facades, which makes pictures, and lungs, which makes masks, at 16 px."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1, max_bank=None)  # a quarter of 4 filters would leave outputs all but flat
    model.freeze_task("lungs")
    for task in ("facades", "lungs"):
        TaskRegistry(folder).commit(model, task, image_size=16, scores={"dice": 0.5})


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that nobody changes."""
    folder = tmp_path_factory.mktemp("served") / "clinic"
    commit_clinic(folder)
    return folder


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of two versions of lungs, which know their films, and of hearts, an ensemble that is calibrated."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("hospital") / "hospital"
    model = MultiTaskGenerator(UNetGenerator(depth=3, width=4, out_channels=1), "lungs")
    numbers = torch.randn(40, 16)
    familiar = Familiarity.of(numbers[:20], numbers[20:])
    assert familiar is not None
    for task in ("lungs", "lungs@2", "hearts-1", "hearts-2"):
        if task != "lungs":
            model.add_task(task)
            with torch.no_grad():
                for parameter in model.task_parameters(task):
                    parameter.add_(torch.randn_like(parameter) * 0.3)
        model.freeze_task(task)
        stem, _, number = task.partition("-")
        kept = {CALIBRATION: temperature_tensors(1.5)} if number else {FEATURES: familiar.as_tensors()}
        member = Member(stem, int(number), 2) if number else None
        TaskRegistry(folder).commit(model, task, image_size=16, member=member, attachments=kept)
    return folder


@pytest.fixture(scope="session")
def service(clinic: Path) -> Service:
    """What answers, of small pictures."""
    return Service(Source(clinic), Limits(megabytes=1, megapixels=1, files=4, requests=4))


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[TestClient]:
    """A visitor of this machine."""
    with TestClient(application(service), base_url="http://127.0.0.1:8765") as client:
        yield client


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Draw a PNG of noise."""

    def draw(rows: int = 20, columns: int = 30, seed: int = 0, channels: int = 3) -> bytes:
        shape = (rows, columns, 3) if channels == 3 else (rows, columns)
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(file, format="PNG")
        return file.getvalue()

    return draw


class Running:
    """A server in a thread, on a port of its own.

    Attributes:
        service: What answers.
        port: Where.
    """

    def __init__(self, service: Service, token: str | None = None) -> None:
        self.service = service
        self._taken = listening("127.0.0.1", 0)
        self._taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)  # so that an answer cannot wait there
        self.port: int = self._taken.getsockname()[1]
        self._server = server_of(service, ServeOptions(limits=service.limits), token)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._taken]})
        self._thread.start()

    def close(self) -> None:
        """End it, and wait until it has ended."""
        self._server.should_exit = True
        self._thread.join(self.service.limits.seconds + 100)  # what is under way may take its time
        self._taken.close()
        if self._thread.is_alive():
            faulthandler.dump_traceback(sys.__stderr__)  # says where it waits
        assert not self._thread.is_alive()

    @property
    def connections(self) -> set[Any]:
        """Those that are open."""
        return self._server.server_state.connections

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Ask in the ordinary way; give the status and the body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, *parts: bytes, pause: float = 0.0, end: bool = False) -> bytes:
        """Send bytes as they are, and give all that comes back until the server ends the connection."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                for part in parts:
                    connection.sendall(part)
                    if pause:
                        connection.settimeout(pause)
                        with suppress(TimeoutError):
                            received += connection.recv(1 << 16)
                        connection.settimeout(60)
            if end:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while data := connection.recv(1 << 16):
                    received += data
        return received


@pytest.fixture(scope="session")
def running(clinic: Path) -> Iterator[Running]:
    """A server that strangers reach by sockets, with small limits."""
    limits = Limits(megabytes=1, megapixels=1, files=4, requests=8, seconds=20)
    running = Running(Service(Source(clinic), limits))
    yield running
    running.close()
