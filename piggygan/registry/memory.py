"""Where memory runs out, that is said, and is no damage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from piggygan.errors import RegistryError

_TORCH_SAYS = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


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


def is_shortage(error: BaseException) -> bool:
    """Tell an allocation that failed, which torch reports as a RuntimeError, from another error."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _TORCH_SAYS)
