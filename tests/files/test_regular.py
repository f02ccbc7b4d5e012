import os
import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from piggygan.errors import ImageError, RegistryError
from piggygan.files.regular import open_regular, read_regular_file


def failing_at(call: int, function: Callable[..., object]) -> Callable[..., object]:
    """Return ``function``, which raises EIO the ``call``-th time, counted from 1."""
    calls = iter(range(1, 1000))

    def failing(*args: object, **kwargs: object) -> object:
        if next(calls) == call:
            raise OSError(5, "Input/output error")
        return function(*args, **kwargs)

    return failing


def test_a18_only_regular_files_are_opened(tmp_path: Path) -> None:
    pipe, loop, link = tmp_path / "pipe", tmp_path / "loop", tmp_path / "link"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    (tmp_path / "file").write_bytes(b"content")
    link.symlink_to("file")
    for path, reason in (
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (loop, "symbolic links"),
        (tmp_path / "missing", "No such file"),
        (tmp_path / "nul\0", "null"),
    ):
        with pytest.raises(ImageError, match=reason):
            open_regular(path)
    with open_regular(link) as file:
        assert file.read() == b"content"


def test_a19_a_strange_name_is_shown_escaped(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"two\nlines \xff")
    with pytest.raises(ImageError) as caught:
        open_regular(strange)
    assert r"two\nlines \udcff" in str(caught.value)
    str(caught.value).encode()  # can be printed


@pytest.mark.parametrize("claimed", [7, 2**34])
def test_17_01_reading_takes_the_memory_of_what_is_there_and_not_of_what_might_be(tmp_path: Path, claimed: int) -> None:
    (tmp_path / "file").write_bytes(b"filters")
    tracemalloc.start()
    try:
        assert read_regular_file(tmp_path / "file", max_size=claimed) == b"filters"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_17_01_a_file_for_which_there_is_no_memory_is_a_registry_error(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**34)
    former = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**34, former[1]))
    try:
        with pytest.raises(RegistryError, match="sparse has 17179869184 bytes, for which there is no memory"):
            read_regular_file(tmp_path / "sparse", max_size=2**34)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


def test_a_file_that_may_not_be_read_is_a_registry_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(os, "open", failing_at(1, os.open))
    with pytest.raises(RegistryError, match=r"file cannot be read: Input/output error"):
        read_regular_file(tmp_path / "file", max_size=1)
