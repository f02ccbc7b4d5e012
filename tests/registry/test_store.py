from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry.store import MAX_OBJECT_SIZE, ObjectStore, StoredObject


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_what_is_put_in_comes_out_and_is_named_by_its_sha256(store: ObjectStore) -> None:
    stored = store.put(b"filters")
    assert stored == StoredObject(sha256(b"filters").hexdigest(), 7)
    assert store.get(stored) == b"filters"
    assert store.path(stored).name == sha256(b"filters").hexdigest() + ".safetensors"


def test_an_object_that_is_there_is_not_written_again(store: ObjectStore) -> None:
    stored = store.put(b"filters")
    before = store.path(stored).stat()
    store.put(b"filters")
    assert store.path(stored).stat().st_ino == before.st_ino
    assert store.path(stored).stat().st_mtime_ns == before.st_mtime_ns


def test_putting_a_damaged_object_again_heals_it(store: ObjectStore) -> None:
    stored = store.put(b"filters")
    store.path(stored).write_bytes(b"filterz")
    store.put(b"filters")
    assert store.get(stored) == b"filters"


def test_c01_an_object_cut_anywhere_is_refused(store: ObjectStore) -> None:
    data = bytes(range(256))
    stored = store.put(data)
    for length in range(len(data)):
        store.path(stored).write_bytes(data[:length])
        with pytest.raises(CorruptFileError, match="was cut"):
            store.get(stored)


def test_c02_one_flipped_bit_anywhere_in_an_object_is_refused(store: ObjectStore) -> None:
    data = bytes(range(256))
    stored = store.put(data)
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        store.path(stored).write_bytes(flipped)
        with pytest.raises(CorruptFileError, match=f"objects/{stored.digest}.*damaged.*copy of the registry"):
            store.get(stored)


def test_a_longer_object_is_refused(store: ObjectStore) -> None:
    stored = store.put(b"filters")
    store.path(stored).write_bytes(b"filters and more")
    with pytest.raises(CorruptFileError, match="16 bytes, at most 7"):
        store.get(stored)


def test_c09_a_missing_object_is_named(store: ObjectStore) -> None:
    stored = StoredObject("0" * 64, 3)
    with pytest.raises(CorruptFileError, match=r"0000\.safetensors is missing"):
        store.get(stored)


def test_c17_a_symbolic_link_is_refused_even_to_the_right_bytes(store: ObjectStore, tmp_path: Path) -> None:
    stored = store.put(b"filters")
    (tmp_path / "elsewhere").write_bytes(b"filters")
    store.path(stored).unlink()
    store.path(stored).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptFileError, match="not a regular file"):
        store.get(stored)


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(store: ObjectStore, tmp_path: Path) -> None:
    stored = store.put(b"filters")
    (tmp_path / "elsewhere").write_bytes(b"precious")
    store.path(stored).unlink()
    store.path(stored).symlink_to(tmp_path / "elsewhere")
    store.put(b"filters")
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"
    assert store.get(stored) == b"filters"


def test_a_pipe_and_a_folder_are_refused_without_waiting(store: ObjectStore) -> None:
    stored = store.put(b"filters")
    store.path(stored).unlink()
    os.mkfifo(store.path(stored))
    with pytest.raises(CorruptFileError, match="not a regular file"):
        store.get(stored)
    store.path(stored).unlink()
    store.path(stored).mkdir()
    with pytest.raises(CorruptFileError, match="not a regular file"):
        store.get(stored)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "../x",
        "/etc/passwd",
        "0" * 63,
        "0" * 65,
        "0" * 64 + "\n",
        "A" * 64,
        "٠" * 64,
        "0" * 62 + "/.",
        "0" * 63 + "\0",
    ],
)
def test_h02_nothing_but_a_sha256_digest_names_an_object(digest: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256 digest"):
        StoredObject(digest, 1)


@pytest.mark.parametrize("size", [-1, MAX_OBJECT_SIZE + 1])
def test_h11_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        StoredObject("0" * 64, size)


def test_a_folder_in_the_place_of_an_object_is_named(store: ObjectStore) -> None:
    stored = store.put(b"weights")
    store.path(stored).unlink()
    store.path(stored).mkdir()
    with pytest.raises(RegistryError, match=rf"^objects/{stored.digest}.safetensors is a folder, .*: move it away\.$"):
        store.put(b"weights")
    assert not list(store.path(stored).parent.glob(".*"))
