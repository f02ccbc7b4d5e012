"""A `piggygan serve` in a process of its own, and clients that send it films."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path


@dataclass
class Load:
    """What clients saw in one turn."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.statuses[200] / self.seconds


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    port: int
    process: int
    seconds_to_start: float
    used_to_start: float

    def memory(self) -> int:
        """Bytes that it holds, with its decoding processes."""
        return sum(_resident(one) for one in self._processes())

    def processor_seconds(self) -> float:
        """That it has used, with its decoding processes."""
        return sum(_processor_seconds(one) for one in self._processes())

    def _processes(self) -> list[int]:
        tasks = Path(f"/proc/{self.process}/task").glob("*/children")
        return [self.process, *(int(child) for task in tasks for child in task.read_text().split())]


@contextmanager
def serving(folder: str, clients: int) -> Iterator[Server]:
    """Start a server, and end it."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "piggygan.cli", "serve", folder, "--port", "0", "--requests", str(clients)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the server says nothing")
            port = int(process.stdout.readline().rpartition(":")[2].strip().rstrip("/"))
            get(port, "/health")
            seconds = time.perf_counter() - began
            yield Server(port, process.pid, seconds, _processor_seconds(process.pid))
        finally:
            process.terminate()


def load(port: int, films: list[bytes], clients: int, seconds: float) -> Load:
    """Let clients send films for a while."""
    seen, lock, began = Load(), threading.Lock(), time.perf_counter()

    def client(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        while time.perf_counter() - began < seconds:
            sent = time.perf_counter()
            connection.request("POST", "/api/tasks/lungs/predict", films[number % len(films)])
            answer = connection.getresponse()
            answer.read()
            with lock:
                seen.statuses[answer.status] += 1
                seen.latencies.append(time.perf_counter() - sent)
            if answer.status == 429:
                time.sleep(float(answer.headers["Retry-After"]))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.seconds = time.perf_counter() - began
    return seen


def post(port: int, film: bytes) -> float:
    """Send a film, and say how long its mask took."""
    began = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/api/tasks/lungs/predict", film)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the server answered {answer.status}")
    return time.perf_counter() - began


def get(port: int, path: str) -> bytes:
    """Return what the server answers to a path."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:  # ours
        content: bytes = answer.read()
        return content


def metric(port: int, name: str) -> float:
    """Return one of the numbers that the server publishes."""
    found = re.search(rf"^piggygan_{name} (\S+)$", get(port, "/metrics").decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096
    except OSError:
        return 0


def _processor_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
