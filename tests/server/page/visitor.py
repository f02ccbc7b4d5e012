"""A served registry, and a visitor of its page whose every request and complaint is watched."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import uvicorn
from PIL import Image

from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.server.app import application
from piggygan.server.limits import Limits
from piggygan.server.service import Service
from piggygan.server.serving import listening
from piggygan.server.source import Source

PATIENCE = 60_000
"""Milliseconds that something on the page may take: machines are busy."""
TASKS = ("facades", "lungs", "hearts")
TINY = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000040000000408000000008c9ac1a2"
    "0000000b49444154789c6360c00400001400017dfe1eee0000000049454e44ae426082"
)
"""A black PNG of 4 x 4 pixels."""


@dataclass
class Served:
    """A server that runs in a thread.

    Attributes:
        address: Of its page.
        registry: What it serves.
    """

    address: str
    registry: Path
    _server: uvicorn.Server
    _thread: threading.Thread

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def serve(registry: Path, limits: Limits | None = None, token: str | None = None) -> Served:
    """Serve a registry in a thread, at a free port."""
    app = application(Service(Source(registry), limits or Limits(megabytes=1, seconds=600)), token=token)
    config = uvicorn.Config(app, log_config=None, log_level="critical", ws="none", http="h11")
    server, taken = uvicorn.Server(config), listening("127.0.0.1", 0)
    address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    return Served(address, registry, server, thread)


def commit_ward(folder: Path) -> None:
    """Commit a task of pictures and two of masks, the last of which draws on both others, at 16 px."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), TASKS[0])
    model.freeze_task(TASKS[0])
    for task in TASKS[1:]:
        model.add_task(task, out_channels=1)
        model.freeze_task(task)
    for task in TASKS:
        TaskRegistry(folder).commit(model, task, image_size=16, scores={"dice": 0.5, "iou": 0.25})


@dataclass
class Visitor:
    """Somebody at the page, who complains at the end of what should not have been.

    Attributes:
        page: Of playwright.
        served: Whose page it is.
        expected: Beginnings of what the browser may complain of.
    """

    page: Any
    served: Served
    expected: tuple[str, ...] = ()
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.context.on("request", lambda request: self.requests.append(request.url))

    def come(self) -> None:
        """Open the page, and wait for its tasks."""
        self.page.goto(self.served.address)
        self.page.locator("#choices label").first.wait_for()

    def drop(self, *files: tuple[str, bytes | int], on: str = "#drop") -> None:
        """Drop files on a part of the page; one whose content is a number has so many zeros."""
        carried = self.page.evaluate_handle(
            """(files) => {
                const carried = new DataTransfer();
                for (const [name, bytes] of files) carried.items.add(new File([new Uint8Array(bytes)], name));
                return carried;
            }""",
            [[name, content if isinstance(content, int) else list(content)] for name, content in files],
        )
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event(on, event, {"dataTransfer": carried})

    def film(self, name: str) -> Any:
        """Find a film by its name."""
        return self.page.get_by_role("article", name=name, exact=True)

    def look(self, film: str, task: str) -> Any:
        """Find what a task makes of a film, once the task has answered or could not."""
        found = self.film(film).locator(".look", has=self.page.locator(f".name:text-is('{task}')"))
        found.and_(self.page.locator("[aria-busy=false]")).wait_for()
        return found

    def saved(self, button: Any) -> tuple[str, bytes]:
        """Click on a button that saves a file."""
        with self.page.expect_download() as coming:
            button.click()
        return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()

    def run(self, module: str, expression: str, *arguments: Any) -> Any:
        """Compute something with a module of the page."""
        return self.page.evaluate(
            f"async (given) => {{ const m = await import('/page/{module}.js'); return ({expression})(...given); }}",
            list(arguments),
        )

    def check(self) -> None:
        """Say what the browser complained of, and what was asked of others."""
        complaints = [text for text in self.complaints if not text.startswith(self.expected or ("\0",))]
        assert complaints == []
        kinds = ("blob:", "data:", self.served.address)
        assert [url for url in self.requests if not url.startswith(kinds)] == []


def posted(address: str, content: bytes, accept: str = "image/png") -> bytes:
    """Ask a server as a program does, without the page."""
    headers = {"Accept": accept, "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(address, content, headers)  # noqa: S310  # the server of this test
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    """Decode a PNG."""
    return np.asarray(Image.open(io.BytesIO(png)))


def parsed(text: bytes) -> Any:
    """Read JSON."""
    return json.loads(text)
