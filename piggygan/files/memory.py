"""Where memory runs out, that is said, and is no damage."""

from __future__ import annotations

import gc
import mmap
from collections.abc import Iterator
from contextlib import contextmanager

from piggygan.errors import PiggyganError, RegistryError

_TORCH_SAYS = (
    "can't allocate memory",
    "not enough memory",
    "Cannot allocate memory",
    "an exception occurred : ()",  # load_state_dict tells what it met by its arguments, and a MemoryError has none
)

_TO_SPARE = 2**26
_RUST_SAYS = ("pointer is null", "AllocError", "capacity overflow", "memory allocation")


@contextmanager
def enough_memory(what: str) -> Iterator[None]:
    """Say so where a block needs more memory than there is.

    Args:
        what: What for, such as ``"to load these tasks"``.

    Raises:
        RegistryError: If it ran out, whatever error of ours that was met as meanwhile.
    """
    try:
        yield
    except (MemoryError, RuntimeError, PiggyganError) as error:
        if not is_shortage(error) or type(error) is RegistryError:  # which says so, and what became of the act
            raise
        raise RegistryError(
            f"there is not enough memory {what}: nothing was changed. End other programs, or use a machine with more."
        ) from error


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leave cycles uncollected inside a ``with`` block: where many objects are made to stay, all are looked at in vain.

    Example:
        >>> with collector_paused():
        ...     gc.isenabled()
        False
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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


def is_shortage(error: BaseException | None) -> bool:
    """Tell an allocation that failed, or what was raised because of one or on the way out of it, from another error.

    Torch reports one as a RuntimeError, in words. No other error's words count: they may be those of a file.

    Example:
        >>> is_shortage(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
        True
        >>> is_shortage(ValueError("tensor: can't allocate memory"))
        False
    """
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        if type(error) is RuntimeError and any(words in str(error) for words in _TORCH_SAYS):
            return True
        error = error.__cause__ or error.__context__
    return False
