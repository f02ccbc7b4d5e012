from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import CorruptFileError, FormatVersionError, RegistryError
from piggygan.model.wrapping import Wrapping
from piggygan.registry.described import Architecture, Network
from piggygan.registry.manifest import (
    MOST_INDENTED,
    Manifest,
    TaskRecord,
    Versions,
    manifest_from_bytes,
    manifest_to_bytes,
)
from piggygan.registry.provenance import Member, TrainingData
from piggygan.registry.sealing import MAX_MANIFEST_SIZE
from piggygan.registry.store import StoredObject
from piggygan.registry.task_parts import Certificate, Recipe, TaskInNetwork, TaskSettings

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def task_record(name: str, *draws_on: str) -> TaskRecord:
    recipe = Recipe("cpu", "float32", "2.13.0", 1, "x86_64", "AVX2", "highest")
    certificate = Certificate(A, B, StoredObject(A, 10), StoredObject(B, 20), recipe)
    settings = TaskSettings({"*": 0.25}, None, 1, True, 1.5)
    part = TaskInNetwork(settings, StoredObject(C, 30), dict.fromkeys(draws_on, A), certificate)
    created = "2026-01-02T03:04:05+00:00"
    return TaskRecord(
        name, draws_on, {"generator": part}, {"dice": 0.9}, created, Versions("0.1.0", "2.13.0", "3.11.7")
    )


ARCHITECTURE = Architecture("UNetGenerator", {"depth": 8, "norm": "batch", "affine": True}, ())
MANIFEST = Manifest(
    1,
    "facades",
    {"generator": Network(ARCHITECTURE, Wrapping("model.3", "0"))},
    (task_record("facades"), task_record("lungs", "facades")),
)


def signed(fields: dict[str, Any]) -> bytes:
    """Write what a manifest with a right checksum would be, whatever it says."""
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return json.dumps({**fields, "checksum": hashlib.sha256(plain.encode()).hexdigest()}).encode()


def parsed() -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(manifest_to_bytes(MANIFEST))
    del fields["checksum"]
    return fields


def test_a_manifest_comes_back_the_same() -> None:
    assert manifest_from_bytes(manifest_to_bytes(MANIFEST)) == MANIFEST
    assert manifest_from_bytes(signed(parsed())) == MANIFEST


def test_a_manifest_from_before_image_sizes_is_read() -> None:
    older = parsed()
    for task in older["tasks"]:
        del task["image_size"]
    assert manifest_from_bytes(signed(older)) == MANIFEST


def test_a_side_of_no_pixels_is_refused() -> None:
    odd = parsed()
    odd["tasks"][1]["image_size"] = 0
    with pytest.raises(CorruptFileError, match="image_size of lungs is 0, needed is 1 to 4096"):
        manifest_from_bytes(signed(odd))


def test_its_text_is_sorted_and_one_field_a_line() -> None:
    lines = manifest_to_bytes(MANIFEST).decode().splitlines()
    fields = [line for line in lines if line.startswith('  "')]
    assert fields == sorted(fields)
    assert [line.strip() for line in lines].count('"dice": 0.9') == 2


def test_c08_a_manifest_cut_anywhere_is_refused() -> None:
    data = manifest_to_bytes(MANIFEST).rstrip()
    for length in range(len(data)):
        with pytest.raises(CorruptFileError, match="copy of this registry"):
            manifest_from_bytes(data[:length])


def test_c02_a_flipped_bit_is_refused_or_changes_nothing() -> None:
    data = manifest_to_bytes(MANIFEST)
    unnoticed = set()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        try:
            manifest = manifest_from_bytes(bytes(flipped))
        except (CorruptFileError, FormatVersionError):
            continue
        assert manifest == MANIFEST
        unnoticed.add(chr(data[position]))
    assert unnoticed <= {" ", "\n"}


def test_c13_a_newer_version_is_refused_before_anything_else_is_read() -> None:
    with pytest.raises(FormatVersionError, match="schema version 3, written by a newer piggygan; this one reads 2"):
        manifest_from_bytes(b'{"schema_version": 3, "tasks": "of another kind"}')


@pytest.mark.parametrize("version", ["1", 1.0, True, None, 0, -1])
def test_c08_no_version_is_refused(version: object) -> None:
    with pytest.raises(CorruptFileError, match="no schema_version"):
        manifest_from_bytes(signed({**parsed(), "schema_version": version}))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"7", b"not json", b"{}", b"[" * 100_000, b"\0" * 100])
def test_c08_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptFileError):
        manifest_from_bytes(data)


def test_h11_deep_json_behind_a_good_version_is_refused() -> None:
    for depth in (100, 500, 900, 990, 100_000):
        with pytest.raises(CorruptFileError):
            manifest_from_bytes(b'{"schema_version": 1, "tasks": ' + b"[" * depth + b"]" * depth + b"}")


def test_h11_a_manifest_too_large_is_neither_read_nor_written() -> None:
    with pytest.raises(CorruptFileError, match="the most is"):
        manifest_from_bytes(b" " * (MAX_MANIFEST_SIZE + 1))
    huge = replace(MANIFEST, networks={"generator": Network(ARCHITECTURE, Wrapping("x" * MAX_MANIFEST_SIZE, "0"))})
    with pytest.raises(RegistryError, match="start another registry"):
        manifest_to_bytes(huge)


def test_an_edited_score_is_noticed() -> None:
    with pytest.raises(CorruptFileError, match="edited by hand"):
        manifest_from_bytes(manifest_to_bytes(MANIFEST).replace(b'"dice": 0.9', b'"dice": 1.0'))


def _in_task(fields: dict[str, Any], **changed: object) -> None:
    fields["tasks"][1].update(changed)


def _in_part(fields: dict[str, Any], **changed: object) -> None:
    fields["tasks"][1]["networks"]["generator"].update(changed)


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown field": lambda f: f.update(more=1),
    "missing field": lambda f: f.pop("base_task"),
    "another type": lambda f: f.update(tasks={}),
    "no tasks": lambda f: f.update(tasks=[]),
    "no networks": lambda f: f.update(networks={}),
    "another base": lambda f: f.update(base_task="lungs"),
    "a name twice": lambda f: f["tasks"].append(f["tasks"][1]),
    "a task before its source": lambda f: f["tasks"].reverse(),
    "itself as source": lambda f: _in_task(f, draws_on=["lungs"]),
    "a source twice": lambda f: _in_task(f, draws_on=["facades", "facades"]),
    "an unknown source": lambda f: _in_task(f, draws_on=["edges"]),
    "no source": lambda f: _in_task(f, draws_on=[]),
    "a bank of others": lambda f: _in_part(f, bank={}),
    "a bank of no digests": lambda f: _in_part(f, bank={"facades": "../../x"}),
    "a traversing digest": lambda f: _in_part(f, weights={"digest": "../" * 20 + "etc", "size": 3}),
    "an object of 2**70 bytes": lambda f: _in_part(f, weights={"digest": A, "size": 2**70}),
    "a fraction of 2": lambda f: f["tasks"][1]["networks"]["generator"]["settings"].update(
        unconstrained_fraction={"*": 2.0}
    ),
    "no channels": lambda f: f["tasks"][1]["networks"]["generator"]["settings"].update(in_channels=0),
    "another network": lambda f: f["tasks"][1]["networks"].update(backward=f["tasks"][1]["networks"]["generator"]),
    "a time without zone": lambda f: _in_task(f, created="2026-01-02T03:04:05"),
    "no time": lambda f: _in_task(f, created="yesterday"),
    "class and layers": lambda f: f["networks"]["generator"]["architecture"].update(layers=["0 Conv2d"]),
    "neither class nor layers": lambda f: f["networks"]["generator"]["architecture"].update(class_name=None),
    "a width of 2**40": lambda f: f["networks"]["generator"]["architecture"].update(arguments={"width": 2**40}),
    "code as argument": lambda f: f["networks"]["generator"]["architecture"].update(arguments={"norm": {"x": 1}}),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_c08_what_no_piggygan_writes_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    fields = parsed()
    change(fields)
    with pytest.raises(CorruptFileError, match=r"registry.json is damaged: "):
        manifest_from_bytes(signed(fields))


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:x",
        "CON",
        "a\0b",
        "a\n",
        "x" * 65,
        "лунги",
        "%2e%2e",
        "~",
    ],
)
def test_h02_a_name_that_could_be_a_path_is_refused(name: str) -> None:
    for field in ({"name": name}, {"draws_on": [name]}):
        fields = parsed()
        _in_task(fields, **field)
        with pytest.raises(CorruptFileError, match="cannot name a task"):
            manifest_from_bytes(signed(fields))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data(), JSON)
def test_any_value_anywhere_is_a_piggygan_error_or_the_same_kind(data: st.DataObject, value: object) -> None:
    fields = parsed()
    place: Any = fields
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = value
    try:
        manifest = manifest_from_bytes(signed(fields))
    except (CorruptFileError, FormatVersionError):
        return
    assert manifest_from_bytes(manifest_to_bytes(manifest)) == manifest


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("settings", "in_channels"), 2**40, "in_channels is 1099511627776; an image has 1 to"),
        (("settings", "out_channels"), 2**17, "out_channels is 131072; an image has 1 to"),
        (("settings", "out_channels"), 0, "an image has 1 to"),
        (("settings", "max_bank"), 1e300, "max_bank is 1e\\+300, needed is above 0"),
        (("settings", "max_bank"), 0.0, "max_bank is 0.0, needed is above 0"),
    ],
)
def test_17_08_settings_have_bounds_with_words(place: tuple[str, str], value: float, words: str) -> None:
    fields = parsed()
    fields["tasks"][1]["networks"]["generator"][place[0]][place[1]] = value
    with pytest.raises(CorruptFileError, match=words):
        manifest_from_bytes(signed(fields))


@pytest.mark.parametrize(("name", "value"), [("depth", 17), ("blocks", 257), ("width", 2049), ("width", 1e300)])
def test_17_08_arguments_of_a_generator_have_bounds(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is above"):
        Architecture("UNetGenerator", {name: value}, ())


PART = MANIFEST.tasks[1].networks["generator"]
NEW: dict[str, dict[str, Any]] = {
    "data": {"data": TrainingData(statement="Films of one hospital.")},
    "a licence": {"licence": "MIT"},
    "an attachment": {"attachments": {"features": StoredObject(A, 10)}},
    "a member": {"member": Member("folds", 1, 2)},
    "a newer version": {"name": "facades@2"},
    "a part of a bank": {"networks": {"generator": replace(PART, settings=replace(PART.settings, max_bank=0.5))}},
}


@pytest.mark.parametrize("said", NEW.values(), ids=NEW.keys())
def test_what_format_1_cannot_say_is_written_in_2_and_all_else_in_1(said: dict[str, Any]) -> None:
    base, lungs = MANIFEST.tasks
    changed = replace(MANIFEST, tasks=(base, replace(lungs, **said)))
    fields = json.loads(manifest_to_bytes(changed))
    assert fields.pop("schema_version") == 2
    assert manifest_from_bytes(manifest_to_bytes(changed)) == replace(changed, schema_version=2)
    del fields["checksum"]
    with pytest.raises(CorruptFileError, match="it says schema_version 1, what it holds is of 2"):
        manifest_from_bytes(signed({**fields, "schema_version": 1}))
    with pytest.raises(CorruptFileError, match="it says schema_version 2, what it holds is of 1"):
        manifest_from_bytes(signed({**parsed(), "schema_version": 2}))


BOUNDS: dict[str, tuple[dict[str, Any], str]] = {
    "a statement of two lines": ({"data": {"statement": "a\nb"}}, "needed is one line"),
    "a long statement": ({"data": {"statement": "x" * 4001}}, "needed is one line of 1 to 4000"),
    "a kind": ({"data": {"kind": "films"}}, "needed is one of pairs"),
    "a count": ({"data": {"counts": {"train": 2**60}}}, "needed are counts"),
    "a licence": ({"licence": "\u001b[2J"}, "the licence of lungs is"),
    "a name": ({"attachments": {"../x": {"digest": A, "size": 1}}}, "cannot name an attachment"),
    "a digest": ({"attachments": {"features": {"digest": "x", "size": 1}}}, "is not a SHA-256 digest"),
    "a size": ({"attachments": {"features": {"digest": A, "size": 2**27}}}, "the most is 67108864"),
    "too many": ({"attachments": {f"a{n}": {"digest": A, "size": 1} for n in range(9)}}, "at most 8"),
    "a member": ({"member": {"group": "folds", "number": 6, "of": 5}}, "needed are 2 to 100 members"),
    "a group": ({"member": {"group": "lungs", "number": 1, "of": 5}}, "the name of a task and of an ensemble"),
    "a version": ({"name": "lungs@2"}, "draws on no older one"),
}


@pytest.mark.parametrize(("said", "words"), BOUNDS.values(), ids=BOUNDS.keys())
def test_what_format_2_says_has_bounds_with_words(said: dict[str, Any], words: str) -> None:
    fields = parsed()
    _in_task(fields, **said)
    with pytest.raises(CorruptFileError, match=words):
        manifest_from_bytes(signed({**fields, "schema_version": 2}))


def test_a_manifest_of_many_tasks_is_written_without_indents_and_is_read_as_any() -> None:
    base, lungs = MANIFEST.tasks
    few, many = (
        replace(MANIFEST, tasks=(base, *(replace(lungs, name=f"lungs-{n}") for n in range(1, count))))
        for count in (MOST_INDENTED, MOST_INDENTED + 1)
    )
    assert manifest_to_bytes(few).count(b"\n") > 10 * MOST_INDENTED
    assert manifest_to_bytes(many).count(b"\n") == 1
    assert len(manifest_to_bytes(many)) < 0.7 * len(manifest_to_bytes(few))
    for manifest in (few, many):
        assert manifest_from_bytes(manifest_to_bytes(manifest)) == manifest
