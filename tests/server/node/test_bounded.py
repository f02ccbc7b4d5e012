"""How much of a sender's messages is kept."""

from __future__ import annotations

import pytest

pytest.importorskip("pynetdicom")

from piggygan.server.node.bounded import MOST_OF_A_COMMAND, Kept

MORE, LAST, COMMAND = b"\x00", b"\x02", b"\x03"


def test_messages_are_kept_up_to_a_number_of_bytes_and_cut_beyond() -> None:
    kept = Kept(most=10)
    assert kept.take(COMMAND + b"c") == COMMAND + b"c"
    assert kept.take(MORE + b"123456") == MORE + b"123456"
    assert kept.take(LAST + b"7890") == LAST + b"7890"
    assert kept.next_is_whole()
    # A second one, sent before the first is answered, has no room left.
    assert kept.take(MORE + b"1") == MORE
    assert kept.take(LAST) == LAST
    kept.answered()
    assert not kept.next_is_whole()
    kept.answered()
    assert kept.take(LAST + b"0123456789") == LAST + b"0123456789"
    assert kept.next_is_whole()


def test_a_message_that_was_cut_stays_cut_and_gives_its_bytes_back() -> None:
    kept = Kept(most=10)
    assert [kept.take(MORE + bytes(size)) for size in (8, 8, 1)] == [MORE + bytes(8), MORE, MORE]
    kept.take(LAST)
    assert not kept.next_is_whole()
    kept.answered()
    assert kept.take(LAST + bytes(10)) == LAST + bytes(10)


def test_a_command_without_an_end_is_not_gathered() -> None:
    kept = Kept(most=10)
    sizes = [len(kept.take(b"\x01" + bytes(MOST_OF_A_COMMAND // 4))) for _ in range(20)]
    assert sum(sizes) <= MOST_OF_A_COMMAND + 20
