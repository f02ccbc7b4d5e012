"""Where a node listens, to whom, and what it takes: what is no title, address or limit is refused in words."""

from __future__ import annotations

import pytest

from piggygan.errors import ConfigurationError
from piggygan.server.node.options import Destination, NodeLimits, NodeOptions, checked_title

ARCHIVE = Destination("ARCHIVE", "127.0.0.1", 104)


def test_a_destination_is_read() -> None:
    assert Destination.of_text("MY PACS@pacs.clinic.example:11112") == Destination(
        "MY PACS", "pacs.clinic.example", 11112
    )


@pytest.mark.parametrize(
    "text", ["", "PACS", "PACS@host", "@host:1", "PACS@host:0", "PACS@host:65536", "A" * 17 + "@h:1"]
)
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="needed"):
        Destination.of_text(text)


@pytest.mark.parametrize("title", ["", " A", "A ", "A\\B", "A\n", "Ä", "A" * 17])
def test_what_is_no_title_is_refused(title: str) -> None:
    with pytest.raises(ConfigurationError, match="no AE title"):
        checked_title(title)


def test_h04_other_machines_need_a_title_or_a_word() -> None:
    for host in ("0.0.0.0", "::", "clinic.example"):  # noqa: S104  # which is refused
        with pytest.raises(ConfigurationError, match="--allow for each"):
            NodeOptions(ARCHIVE, host=host)
        NodeOptions(ARCHIVE, host=host, allow=("CT1",))
        NodeOptions(ARCHIVE, host=host, allow_anyone=True)
    for host in ("127.0.0.1", "::1", "localhost"):
        NodeOptions(ARCHIVE, host=host)


def test_limits_are_above_nothing() -> None:
    for name in ("megabytes", "megapixels", "associations", "waiting", "seconds"):
        with pytest.raises(ConfigurationError, match=f"{name} is 0"):
            NodeLimits(**{name: 0})
