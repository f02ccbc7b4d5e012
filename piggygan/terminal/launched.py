"""What a launcher such as torchrun says of this process, before it has met the others."""

from __future__ import annotations

import os
from datetime import timedelta

from torch.distributed import TCPStore  # type: ignore[attr-defined]  # it is documented, and not in __all__

_PATIENCE = timedelta(seconds=5)


def launched_processes() -> int:
    """Return how many processes were started together; 1 without a launcher.

    Example:
        >>> launched_processes()
        1
    """
    return _number("WORLD_SIZE", 1)


def launched_number() -> int:
    """Return this process's number among them, from 0.

    Example:
        >>> launched_number()
        0
    """
    return _number("RANK", 0)


def is_first_to_speak() -> bool:
    """Say whether no other of the processes has asked this before: one of them says why all end.

    Where they cannot ask each other any more, each may speak.

    Example:
        >>> is_first_to_speak()
        True
    """
    if launched_processes() == 1:
        return True
    try:
        port = int(os.environ["MASTER_PORT"])
        store = TCPStore(os.environ["MASTER_ADDR"], port, is_master=False, timeout=_PATIENCE)
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        return bool(store.add(f"piggygan/spoken/{attempt}", 1) == 1)
    except (KeyError, ValueError, RuntimeError):
        return True


def _number(name: str, default: int) -> int:
    said = os.environ.get(name, "")
    return int(said) if said.isdigit() else default
