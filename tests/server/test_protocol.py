"""Connections of those who send or take nothing, by real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest

from piggygan.server import protocol, uploads
from piggygan.server.limits import Limits
from piggygan.server.service import Service
from piggygan.server.source import Source
from tests.server.conftest import Running

PREDICT = b"POST /api/tasks/lungs/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "TAKING_SECONDS", 0.3)
    monkeypatch.setattr(uploads, "LONGEST_SILENCE", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("head", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
def test_a_head_that_does_not_come_ends_the_connection(running: Running, head: bytes) -> None:
    began = time.monotonic()
    assert running.send(head) == b""
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("impatient")
def test_a_head_that_comes_letter_by_letter_gets_no_more_time(running: Running) -> None:
    began = time.monotonic()
    assert running.send(*(bytes([letter]) for letter in PREDICT), pause=0.05) == b""
    assert time.monotonic() - began < 3


@pytest.mark.usefixtures("impatient")
def test_a_body_that_does_not_come_is_told_so(running: Running) -> None:
    answer = running.send(PREDICT + b"Content-Length: 1000\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:piggygan:problem:too-slow" in answer
    assert running.service.memory.held == 0


@pytest.mark.usefixtures("impatient")
def test_a_visitor_who_waits_between_requests_is_not_cut_off_in_one(
    running: Running, picture: Callable[..., bytes]
) -> None:
    body = picture(500, 500)
    with socket.create_connection(("127.0.0.1", running.port), timeout=60) as connection:
        for _ in range(2):
            connection.sendall(PREDICT + f"Content-Length: {len(body)}\r\n\r\n".encode())
            for start in range(0, len(body), len(body) // 4 + 1):
                time.sleep(0.15)
                connection.sendall(body[start : start + len(body) // 4 + 1])
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, answer.read(4)) == (200, b"\x89PNG")
            answer.read()


@pytest.mark.usefixtures("impatient")
def test_a_receiver_who_takes_nothing_is_cut_off(running: Running, picture: Callable[..., bytes]) -> None:
    body = picture(900, 900, channels=1)
    received = b""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", running.port))
        head = b"Accept: application/x-npy\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
        connection.sendall(PREDICT + head + body)
        received += connection.recv(1000)
        deadline = time.monotonic() + 20
        while len(running.connections) > 0:  # the server gives it up
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with suppress(ConnectionResetError):
            while data := connection.recv(1 << 16):
                received += data
    assert received.startswith(b"HTTP/1.1 200 ")
    assert len(received) < 4 * 900 * 900


def test_ten_gigabytes_are_refused_when_they_are_announced(running: Running) -> None:
    began = time.monotonic()
    answer = running.send(PREDICT + b"Content-Length: 10000000000\r\n\r\n", *[bytes(1 << 20)] * 8, end=True)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert time.monotonic() - began < 10


def test_a_body_without_a_length_is_refused_once_it_is_too_large(running: Running) -> None:
    chunk = b"40000\r\n" + bytes(0x40000) + b"\r\n"
    answer = running.send(PREDICT + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 12, end=True)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert running.service.memory.held == 0


def test_who_does_not_wait_is_not_worked_for(running: Running, picture: Callable[..., bytes]) -> None:
    body = picture()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", running.port)) as connection:
            connection.sendall(PREDICT + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    deadline = time.monotonic() + 20
    # Busy until the last of them is seen to be gone; some of them may not have been taken in yet.
    while (status := running.ask("POST", "/api/tasks/lungs/predict", body)[0]) == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert status == 200


@pytest.fixture
def small(clinic: Path) -> Iterator[Running]:
    running = Running(Service(Source(clinic), Limits(megabytes=1, megapixels=1, requests=1)), token="0" * 20)
    yield running
    running.close()


def test_a_server_with_a_token_and_one_place_is_busy_for_the_second(small: Running) -> None:
    assert small.ask("GET", "/api/tasks")[0] == 401
    bearer = f"Authorization: Bearer {'0' * 20}\r\n".encode()
    with socket.create_connection(("127.0.0.1", small.port)) as connection:
        connection.sendall(PREDICT + bearer + b"Content-Length: 10\r\n\r\n")
        deadline = time.monotonic() + 20
        while not small.service.in_flight:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        answer = small.send(PREDICT + bearer + b"Connection: close\r\nContent-Length: 1\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert b"retry-after: " in answer.lower()
