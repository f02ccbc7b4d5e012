"""Where memory runs out, that is said, and is no damage."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager

from piggygan.errors import RegistryError

_TORCH_SAYS = ("can't allocate memory", "not enough memory", "Cannot allocate memory")

_TO_SPARE = 2**26
_RUST_SAYS = ("pointer is null", "AllocError", "capacity overflow", "memory allocation")


@contextmanager
def enough_memory(what: str) -> Iterator[None]:
    """Say so where a block needs more memory than there is.

    Args:
        what: What for, such as ``"to load these tasks"``.

    Raises:
        RegistryError: If it ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        raise RegistryError(
            f"there is not enough memory {what}: nothing was changed. End other programs, or use a machine with more."
        ) from error


@contextmanager
def panics_named(size: int) -> Iterator[None]:
    """Make a Rust library's panic, which no ``except Exception`` stops, an ordinary error.

    Args:
        size: Bytes that the library will take. They are asked for beforehand: where they are not to be had, it would
            panic, and hang if it then has no memory to say so.

    Raises:
        MemoryError: If there is not so much memory.
        RuntimeError: If it panicked otherwise.
    """
    try:
        mmap.mmap(-1, size + _TO_SPARE).close()  # pages that nobody looks at take no time
    except (OSError, OverflowError) as error:
        raise MemoryError from error
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        if any(words in str(error) for words in _RUST_SAYS):
            raise MemoryError from error
        raise RuntimeError(f"the library panicked: {error}") from error


def is_shortage(error: BaseException) -> bool:
    """Tell an allocation that failed, which torch reports as a RuntimeError, from another error."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _TORCH_SAYS)
