"""What a node answers to senders who are wrong, unlucky or hostile, and that nothing of it is lost or told."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage

from piggygan.errors import ConfigurationError
from piggygan.server.node import film_queue
from piggygan.server.node.node import Node
from piggygan.server.node.options import NodeLimits
from tests.server.node.conftest import SYNTAXES, Archive, associated, store

Film = Callable[..., pydicom.Dataset]
RunNode = Callable[..., Node]


def test_the_same_instance_with_other_pixels_is_refused_and_nobody_is_named(
    film: Film, archive: Archive, run_node: RunNode, caplog: pytest.LogCaptureFixture
) -> None:
    node, one = run_node(archive.port), film(0)
    other = film(1, SOPInstanceUID=one.SOPInstanceUID)
    renamed = film(0, SOPInstanceUID=one.SOPInstanceUID, PatientName="Tudor")
    assert store(node, one, other, one, renamed) == [0, 0xC100, 0, 0]
    assert len(archive.wait_for(1)) == 1
    assert store(node, other) == [0xC100]  # also when it was delivered
    assert "known" in caplog.text
    for told in (one.SOPInstanceUID, "Tudor", "Plantagenet", "SENDER"):
        assert str(told) not in "".join(record.getMessage() for record in caplog.records if "piggygan" in record.name)


def test_a_title_that_is_not_allowed_is_rejected(film: Film, archive: Archive, run_node: RunNode) -> None:
    node = run_node(archive.port, allow=("MODALITY",))
    assert associated(node, calling="SOMEBODY").is_rejected
    assert store(node, film(0), calling="MODALITY") == [0]
    archive.wait_for(1)


def test_kinds_and_transfer_syntaxes_that_nobody_reads_are_not_accepted(archive: Archive, run_node: RunNode) -> None:
    node = run_node(archive.port)
    entity = AE("SENDER")
    entity.add_requested_context(CTImageStorage, SYNTAXES)
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.1", ["1.2.840.10008.1.2.1.99"])
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.1.1", ["1.2.3.4.5"])
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate("127.0.0.1", node.receiver.port, ae_title="PIGGYGAN")
    assert len(association.rejected_contexts) == 3
    assert association.send_c_echo().Status == 0
    association.release()


def test_what_is_too_large_is_thrown_away_as_it_comes(film: Film, archive: Archive, run_node: RunNode) -> None:
    node = run_node(archive.port, limits=NodeLimits(megabytes=1, seconds=20))
    large = film(0, Rows=2000, Columns=1000, PixelData=bytes(2_000_000))
    assert store(node, film(1), large, film(2)) == [0, 0xA700, 0]
    assert len(archive.wait_for(2)) == 2


def test_what_is_no_film_is_refused(film: Film, archive: Archive, run_node: RunNode, tmp_path: Path) -> None:
    node, none = run_node(archive.port), film(0)
    del none.PixelData
    broken = film(1, Rows=9999)  # looks well until it is decoded
    assert store(node, none, broken, film(2)) == [0xC000, 0, 0]
    archive.wait_for(1)
    (failed,) = (tmp_path / "queue/failed").iterdir()
    assert "Plantagenet" not in (failed / "record.json").read_text()


def test_a_full_disk_is_out_of_resources_and_leaves_nothing(
    film: Film, archive: Archive, run_node: RunNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = run_node(archive.port)
    write, full = film_queue._write, [True]

    def refused(path: Path, content: bytes) -> None:
        if full[0] and path.name == film_queue.RECORD:  # when the film itself is there
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(film_queue, "_write", refused)
    one = film(0)
    assert store(node, one) == [0xA700]
    assert not [*(tmp_path / "queue/incoming").iterdir(), *(tmp_path / "queue/received").iterdir()]
    full[0] = False
    assert store(node, one) == [0]
    archive.wait_for(1)


def test_a_disk_that_is_full_for_the_mask_keeps_the_film_until_there_is_room(
    film: Film, archive: Archive, run_node: RunNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, times = film_queue.write_durably, [0]

    def refused(path: Path, data: bytes) -> None:
        if path.name == film_queue.MASK and not times[0]:
            times[0] += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(film_queue, "write_durably", refused)
    node = run_node(archive.port)
    assert store(node, film(0)) == [0]
    archive.wait_for(1)
    assert times == [1]


def test_more_films_than_may_wait_are_refused(film: Film, run_node: RunNode) -> None:
    nobody = Archive()
    nobody.close()
    node = run_node(nobody.port, limits=NodeLimits(waiting=2, seconds=5))
    assert store(node, film(0), film(1), film(2)) == [0, 0, 0xA700]


def announced(length: int, kind: int = 4) -> bytes:
    return struct.pack(">BBL", kind, 0, length)


@pytest.mark.parametrize(
    "sent",
    [
        announced(0xFFFFFFFF, 1) + bytes(1000),
        announced(1 << 21, 1) + bytes(1000),
        announced(10, 1) + bytes(10),
        announced(200, 1) + b"\xff" * 200,
        announced(68, 4) + bytes(68),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x00",
    ],
    ids=["4 GB", "2 MB", "empty", "nonsense", "data first", "http", "a byte"],
)
def test_who_speaks_nonsense_is_cut_off_and_others_go_on(
    film: Film, archive: Archive, run_node: RunNode, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    node = run_node(archive.port, limits=NodeLimits(seconds=2))
    with socket.create_connection(("127.0.0.1", node.receiver.port), timeout=20) as connection:
        connection.sendall(sent)
        assert store(node, film(0)) == [0]
        began = time.monotonic()
        try:
            while connection.recv(1000):
                pass
        except ConnectionResetError:
            pass
        assert time.monotonic() - began < 15
    archive.wait_for(1)
    assert not [record for record in caplog.records if record.name == "piggygan.node" and record.exc_info]


def test_who_falls_silent_in_the_middle_of_a_film_is_cut_off(film: Film, archive: Archive, run_node: RunNode) -> None:
    node = run_node(archive.port, limits=NodeLimits(seconds=1, associations=1))
    association = associated(node)
    association.dul.socket.socket.sendall(announced(10_000) + bytes(50))
    until = time.monotonic() + 30
    while not (other := associated(node)).is_established:  # the one place is taken until then
        assert time.monotonic() < until
        time.sleep(0.2)
    assert other.send_c_store(film(0)).Status == 0
    other.release()
    archive.wait_for(1)
    association.abort()


def test_an_address_that_is_taken_or_open_to_others_is_refused(archive: Archive, run_node: RunNode) -> None:
    node = run_node(archive.port)
    with pytest.raises(ConfigurationError, match="--allow for each"):
        run_node(archive.port, host="0.0.0.0", queue="other")  # noqa: S104  # which is refused
    from piggygan.server.node.options import Destination, NodeOptions
    from piggygan.server.node.receiving import Receiver
    from piggygan.server.node.rules import Rules

    options: Any = NodeOptions(Destination("A", "127.0.0.1", 1), port=node.receiver.port)
    with pytest.raises(ConfigurationError, match="cannot be listened on"):
        Receiver(node.queue, Rules(()), options)
