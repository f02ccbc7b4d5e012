"""What a task's file says of it, in the lowest version of its format that can say it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import FormatVersionError
from piggygan.registry.exchange import read_task_file
from piggygan.registry.formats import check_version
from piggygan.registry.provenance import Member, TrainingData
from piggygan.registry.task_headers import FORMAT_VERSION, ZEROS, Header, header_from_fields, header_to_fields

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def header() -> Header:
    """Of a task in one network, of which nothing is said that came with format 2."""
    return read_task_file(GOLDEN / "edges_1.safetensors").header


def again(header: Header) -> Header:
    """What is read of what is written."""
    return header_from_fields(json.loads(json.dumps(header_to_fields(header))))


def in_two(header: Header) -> Header:
    networks, needs = header.networks["generator"], header.needs["generator"]
    part = header.record.networks["generator"]
    names = ("forward", "backward")
    record = replace(header.record, networks=dict.fromkeys(names, part))
    return replace(header, networks=dict.fromkeys(names, networks), needs=dict.fromkeys(names, needs), record=record)


def test_one_network_is_written_in_1_and_two_in_2(header: Header) -> None:
    assert header_to_fields(header)["format_version"] == 1
    assert "network" in header_to_fields(header)
    assert header_to_fields(in_two(header))["format_version"] == 2
    for one in (header, in_two(header)):
        same = {"checksum": ZEROS, "format_version": 0}
        assert replace(again(one), **same) == replace(one, **same)


@pytest.mark.parametrize(
    "said",
    [
        {"licence": "MIT"},
        {"data": TrainingData(statement="Films.")},
        {"member": Member("folds", 1, 2)},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_format_2_of_the_registry_brought_is_written_in_3(header: Header, said: dict[str, Any]) -> None:
    for one in (header, in_two(header)):
        saying = replace(one, record=replace(one.record, **said))
        fields = header_to_fields(saying)
        assert fields["format_version"] == 3
        assert again(saying).record == saying.record
        for version in (1, 2, 4):
            with pytest.raises(ValueError, match=r"is not known|what it holds is of 3|is missing"):
                header_from_fields({**fields, "format_version": version})


def test_a_version_of_a_task_that_is_needed_only_indirectly_is_written_in_3(header: Header) -> None:
    needs = {"generator": {**header.needs["generator"], "lungs@2": "0" * 64}}
    assert header_to_fields(replace(header, needs=needs))["format_version"] == 3


def test_a_newer_version_than_is_needed_is_refused(header: Header) -> None:
    fields = header_to_fields(in_two(header))
    with pytest.raises(ValueError, match="it says format_version 3, what it holds is of 2"):
        header_from_fields({**fields, "format_version": 3})


def test_the_checksum_is_written_as_zeros(header: Header) -> None:
    assert header_to_fields(replace(header, checksum="5" * 64))["checksum"] == ZEROS


def test_c13_a_newer_format_is_refused_before_anything_else_is_read() -> None:
    with pytest.raises(FormatVersionError, match="format version 4, written by a newer piggygan; this one reads 3"):
        check_version({"format_version": 4, "record": "of another kind"}, "format_version", FORMAT_VERSION, "the file")
    for version in (None, "1", True, 0, 1.0):
        with pytest.raises(ValueError, match="it has no format_version"):
            check_version({"format_version": version}, "format_version", FORMAT_VERSION, "the file")
