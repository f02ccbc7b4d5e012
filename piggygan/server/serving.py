"""Serving a registry: the address taken, the tasks loaded, the server run until it is told to end."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from piggygan.errors import ConfigurationError
from piggygan.files.regular import shown
from piggygan.server.allocating import keep_pages
from piggygan.server.app import application
from piggygan.server.limits import Limits
from piggygan.server.protocol import PatientProtocol
from piggygan.server.service import Service
from piggygan.server.source import Source

SHORTEST_TOKEN = 16
MOST_CONNECTIONS = 512
"""At once: more are answered with 503, which no visitor of a sane number brings about."""
_LARGEST_TOKEN_FILE = 4096
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")


@dataclass(frozen=True)
class ServeOptions:
    """Where a server listens, and to whom.

    Attributes:
        host: Address; the loopback one is reached from this machine alone.
        port: Its number; 0: any that is free.
        names: Names that the server goes by, beside addresses and ``localhost``.
        token_file: File of a token that every request has to bear.
        allow_anyone: Listen on another address without a token.
        limits: What one request may take.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    names: tuple[str, ...] = ()
    token_file: Path | None = None
    allow_anyone: bool = False
    limits: Limits = field(default_factory=Limits)


def serve(source: Source, options: ServeOptions, say: Callable[[str], None]) -> None:
    """Serve a registry until a signal ends it.

    Args:
        source: The registry.
        options: Where, and to whom.
        say: Is told the address once it answers there.

    Raises:
        ConfigurationError: If the address cannot be taken, the token's file cannot be used, or the registry's generator
            cannot be built here.
        RegistryError: If the registry is missing, empty or damaged.
    """
    token = None if options.token_file is None else read_token(options.token_file)
    _check_names(options.names)
    _check_reach(options, token)
    keep_pages()
    source.opened().digest  # noqa: B018  # a missing registry is said before anything else
    with listening(options.host, options.port) as taken:
        service = Service(source, options.limits)
        server = server_of(service, options, token)
        host, port = taken.getsockname()[:2]
        say(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        server.run(sockets=[taken])
        if service.current.broken is not None:
            raise service.current.broken


def server_of(service: Service, options: ServeOptions, token: str | None = None) -> uvicorn.Server:
    """Make a server, to be run on sockets that listen.

    Args:
        service: What answers.
        options: To whom.
        token: What requests must bear; None: nothing.
    """
    config = uvicorn.Config(
        application(service, names=(*options.names, options.host), token=token),
        access_log=False,
        log_config=None,
        log_level="critical",  # its lines may name what was asked for
        server_header=False,
        ws="none",
        http=PatientProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=options.limits.seconds,
    )
    server = uvicorn.Server(config)
    service.end = lambda: setattr(server, "should_exit", True)
    return server


def listening(host: str, port: int) -> socket.socket:
    """Take an address.

    Raises:
        ConfigurationError: If it is taken, or none of this machine's.
    """
    if not 0 <= port < 1 << 16:  # the system would take the rest of it
        raise ConfigurationError(f"{host} cannot be listened on at port {port}: a port is 0 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        taken = socket.socket(found[0], found[1])
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(found[4])
            taken.listen(512)
        except OSError:
            taken.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"{host} cannot be listened on at port {port}: {reason}. Choose another --port, or end what has it."
        ) from error
    return taken


def read_token(path: Path) -> str:
    """Read a token from a file that its owner alone can read.

    Raises:
        ConfigurationError: If others can, or it holds no token.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"{shown(path)} is not a regular file; a token stands in one.")
            if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigurationError(f"others than its owner can read {shown(path)}: chmod 600 it.")
            text = file.read(_LARGEST_TOKEN_FILE + 1)
    except OSError as error:
        raise ConfigurationError(f"{shown(path)} cannot be read: {error.strerror}.") from error
    token = text.decode("ascii", "replace").strip()
    if (
        not (SHORTEST_TOKEN <= len(token) <= _LARGEST_TOKEN_FILE and token.isascii() and token.isprintable())
        or " " in token
    ):
        raise ConfigurationError(
            f"{shown(path)} holds no token: needed are {SHORTEST_TOKEN} or more letters and digits on one line."
        )
    return token


def _check_names(names: Collection[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"name is {name[:80]!r}; needed is what stands between // and the port of an address, such as "
                f"films.clinic.example."
            )


def _check_reach(options: ServeOptions, token: str | None) -> None:
    if token is not None or options.allow_anyone or _is_loopback(options.host):
        return
    raise ConfigurationError(
        f"{options.host} is reached from other machines: give --token-file, or --allow-anyone if everybody may use it."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
