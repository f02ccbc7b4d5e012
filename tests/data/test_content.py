"""A file is read once, whole, and within bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from piggygan.data import content
from piggygan.data.content import MAX_SIDE, check_size, failures_named, largest_content, read_content
from piggygan.errors import ConfigurationError, ImageError, InputTooLargeError
from piggygan.files import unwritten


def test_all_bytes_of_a_file_are_read(tmp_path: Path) -> None:
    for data in (b"", b"x", os.urandom(100_000)):
        (tmp_path / "a").write_bytes(data)
        assert read_content(tmp_path / "a") == data


def test_a_file_that_is_too_large_for_its_pixels_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(largest_content(10))
    assert len(read_content(path, max_pixels=10)) == largest_content(10) == 80 + (1 << 24)
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputTooLargeError, match=rf"a' cannot be used: it has {81 + (1 << 24)} bytes; an image of 10"):
        read_content(path, max_pixels=10)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in (("pipe", "not a regular file"), ("loop", "could not be opened"), (".", "not a regular file"),
                          ("missing", "No such file")):  # fmt: skip
        with pytest.raises(ImageError, match=message):
            read_content(tmp_path / name)


@pytest.mark.parametrize("change", [b"longer", b"xx"])
def test_a_file_that_is_written_to_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"ab")
    os.utime(path, ns=(0, 0))
    real, calls = os.fstat, []

    def fstat(descriptor: int) -> Any:
        calls.append(descriptor)
        if len(calls) == 4:  # to see that it is regular, its age, its size before reading, and after
            path.write_bytes(change)
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    monkeypatch.setattr(unwritten, "_READ_LEASE", None)  # with a lease the writer would wait for us
    with pytest.raises(ImageError, match="was written to while it was read"):
        read_content(path)


def test_a_size_is_refused_by_its_pixels_and_by_its_longest_side() -> None:
    check_size(Path("a"), 3, 4, 12)
    with pytest.raises(InputTooLargeError, match=r"^'a' has 3 x 4 pixels; at most 11 are decoded"):
        check_size(Path("a"), 3, 4, 11)
    check_size(Path("a"), MAX_SIDE, 1, 1 << 30)
    for width, height in ((MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)):
        with pytest.raises(InputTooLargeError, match=f"a side has at most {MAX_SIDE}"):
            check_size(Path("a"), width, height, 1 << 30)


def test_of_what_a_library_raises_only_the_kind_is_told() -> None:
    with (
        pytest.raises(ImageError, match=r"^'a' cannot be used: reading it failed \(ValueError\)\.$") as caught,
        failures_named(Path("a")),
    ):
        raise ValueError("Plantagenet")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    with pytest.raises(ImageError, match="MemoryError"), failures_named(Path("a")):
        raise MemoryError
    with pytest.raises(ConfigurationError, match="as it is"), failures_named(Path("a")):
        raise ConfigurationError("as it is")
    with pytest.raises(KeyboardInterrupt), failures_named(Path("a")):
        raise KeyboardInterrupt


def test_the_largest_image_is_of_8192_pixels_a_side() -> None:
    assert content.MAX_PIXELS == 8192**2
