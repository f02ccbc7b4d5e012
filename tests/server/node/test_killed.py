"""Two senders, a node that is killed at random moments, and a destination: every mask arrives, under one name."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.server.node.conftest import Archive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk's storescu is not installed (apt: dcmtk)"),
]
FILMS = int(os.environ.get("PIGGYGAN_NODE_FILMS", "500"))
KILLS = int(os.environ.get("PIGGYGAN_NODE_KILLS", "20"))
SEED = 22


def free_port() -> int:
    """Choose a port that the system gives to nobody: a sender who tries an ephemeral one may connect to itself."""
    for port in random.Random().sample(range(20_000, 32_000), 100):
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Killed:
    """A node in a process of its own, which is started again whenever it was killed."""

    def __init__(self, clinic: Path, queue: Path, to: int) -> None:
        self.port, self._log = free_port(), queue.with_name("node.log")
        words = ["node", str(clinic), "--task", "lungs", "--queue", str(queue), "--port", str(self.port)]
        words += ["--destination", f"ARCHIVE@127.0.0.1:{to}"]
        self._command = [sys.executable, "-m", "piggygan.cli", *words]
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        begins = self._process.stdout.readline()
        assert begins.startswith(b"listening"), self._log.read_text()[-1000:]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self) -> str:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        return self._log.read_text()


def send_until_all_is_accepted(port: int, films: list[Path], accepted: list[Path]) -> None:
    """Send film by film, again and again until the node says of each that it has it, as a modality does."""
    for film in films:
        command = ["storescu", "-aec", "PIGGYGAN", "127.0.0.1", str(port), str(film)]
        while subprocess.run(command, capture_output=True, check=False).returncode:
            time.sleep(0.1)
        accepted.append(film)


def test_a_node_that_is_killed_twenty_times_delivers_every_mask(
    clinic: Path, tmp_path: Path, write_film: Callable[..., Path], archive: Archive
) -> None:
    drawn = np.random.default_rng(SEED)
    pictures = drawn.integers(0, 256, (FILMS, 24, 20), dtype=np.uint8)
    films = [write_film(tmp_path / f"{number}.dcm", picture) for number, picture in enumerate(pictures)]
    names = {str(pydicom.dcmread(film, specific_tags=["SOPInstanceUID"]).SOPInstanceUID) for film in films}
    assert len(names) == FILMS
    node, accepted, chance = Killed(clinic, tmp_path / "queue", archive.port), list[Path](), random.Random(SEED)
    senders = [
        threading.Thread(target=send_until_all_is_accepted, args=(node.port, films[half::2], accepted))
        for half in range(2)
    ]
    for sender in senders:
        sender.start()
    for kill in range(KILLS):
        # Spread over the whole: each waits until some more were accepted, and then for a moment that nobody knows.
        while len(accepted) < kill * FILMS // (KILLS + 1):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        node.kill()
        node.start()
    for sender in senders:
        sender.join()
    masks = archive.wait_for(FILMS, seconds=1800)
    of = {str(mask.SOPInstanceUID): str(mask.SourceImageSequence[0].ReferencedSOPInstanceUID) for mask in masks}
    assert len(of) == FILMS  # no film has two masks, and no two films share one
    assert set(of.values()) == names
    contents: dict[str, set[bytes]] = {}
    for name, content in archive.masks:
        contents.setdefault(name, set()).add(content)
    assert all(len(one) == 1 for one in contents.values())  # what was sent again is the same file
    said = node.end()
    assert "Plantagenet" not in said
    assert not [name for name in names if name in said]
    print(f"{FILMS} films, {KILLS} kills: {len(archive.masks) - FILMS} masks were sent a second time")  # noqa: T201
    assert not [
        path for stage in ("received", "done", "failed", "incoming") for path in (tmp_path / "queue" / stage).iterdir()
    ]
