"""Where a server listens, and to whom."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.server.serving import ServeOptions, listening, read_token, serve
from piggygan.server.source import Source


def token_file(folder: Path, text: str = "0123456789abcdef\n", mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_is_read_from_a_file_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    assert read_token(token_file(tmp_path)) == "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("0123456789abcdef", 0o640, "others than its owner"),
        ("0123456789abcdef", 0o604, "others than its owner"),
        ("short", 0o600, "holds no token"),
        ("", 0o600, "holds no token"),
        ("0123456789abcdef 0", 0o600, "holds no token"),
        ("0123456789abcdef\n0123456789abcdef", 0o600, "holds no token"),
        ("ü" * 20, 0o600, "holds no token"),
    ],
)
def test_a_token_that_others_know_or_guess_is_refused(tmp_path: Path, text: str, mode: int, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_token(token_file(tmp_path, text, mode))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigurationError, match=r"regular file|cannot be read"):
            read_token(path)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="cannot be listened on"):
            listening("127.0.0.1", other.getsockname()[1])
    for host, port in (("256.1.1.1", 80), ("127.0.0.1", 70_000)):
        with pytest.raises(ConfigurationError, match="cannot be listened on"):
            listening(host, port)


def test_h04_other_machines_need_a_token_or_a_word(clinic: Path) -> None:
    with pytest.raises(ConfigurationError, match="--token-file, or --allow-anyone"):
        serve(Source(clinic), ServeOptions(host="0.0.0.0"), print)  # noqa: S104  # which is refused


@pytest.mark.parametrize("name", ["", "https://films.clinic.example", "films.clinic.example:80", "films/", "a..b"])
def test_a_name_that_no_visitor_can_come_by_is_refused(clinic: Path, name: str) -> None:
    """An empty one would let in requests that name no host."""
    with pytest.raises(ConfigurationError, match="between // and the port"):
        serve(Source(clinic), ServeOptions(names=(name,)), print)
