"""A manifest's file as a whole: what is sealed is read, and nothing else."""

from __future__ import annotations

import json
import random

import pytest

from piggygan.errors import FormatVersionError
from piggygan.registry import sealing
from piggygan.registry.sealing import checksum, sealed_fields

FIELDS = {"base_task": "facades", "networks": {"name": "a"}, "schema_version": 1, "tasks": [{"checksum": "none"}]}


def compact() -> bytes:
    signed = {**FIELDS, "checksum": checksum(FIELDS)}
    return json.dumps(signed, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def test_a_checksum_over_the_bytes_themselves_needs_no_second_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = compact()
    monkeypatch.setattr(sealing, "checksum", lambda _: pytest.fail("it was written again"))
    assert sealed_fields(data) == FIELDS


def test_one_with_spaces_is_of_the_same_fields() -> None:
    spaced = json.dumps({**FIELDS, "checksum": checksum(FIELDS)}, indent=2).encode()
    assert sealed_fields(spaced) == FIELDS


def test_c02_every_flipped_bit_is_noticed() -> None:
    data = compact()
    for bit in range(8 * (len(data) - 1)):  # the last byte ends the line
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((ValueError, FormatVersionError)):
            sealed_fields(bytes(changed))


@pytest.mark.parametrize("said", [None, 1, "", "0" * 64, ["a"]])
def test_what_is_no_checksum_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="its checksum is not that of its content"):
        sealed_fields(json.dumps({**FIELDS, "checksum": said}).encode())


def test_a_file_cut_anywhere_is_refused() -> None:
    data = compact()
    for length in random.Random(0).sample(range(len(data) - 1), 50):
        with pytest.raises((ValueError, FormatVersionError)):
            sealed_fields(data[:length])
