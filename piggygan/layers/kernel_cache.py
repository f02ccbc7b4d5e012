"""KernelCache: tensors made from frozen tasks, kept within a bound of bytes."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.layers.deriving import Origin, Sources, device_of, for_keeping, origin

DEFAULT_MAX_BYTES = 2**30
"""Five composed U-Nets of width 64."""

_log = logging.getLogger(__name__)


class KernelCache:
    """Composed kernels, which a frozen task gives again bit for bit, so that they may be dropped and made anew.

    The layers of one model share one. Over the bound those used longest ago are dropped, with a debug message in the
    log; a tensor larger than the bound alone is made at every call. What is kept is made in full precision, whatever
    surrounds the call, and made anew when what it is made of was loaded, moved or replaced.

    Args:
        max_bytes: The bound; 0 keeps nothing.

    Raises:
        ConfigurationError: If the bound is negative.

    Example:
        >>> cache = KernelCache(max_bytes=8)
        >>> cache.get("a", lambda: torch.zeros(2)).tolist()
        [0.0, 0.0]
        >>> cache.bytes, "a" in cache
        (8, True)
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._entries: OrderedDict[Hashable, tuple[Tensor, Origin]] = OrderedDict()
        self.max_bytes = max_bytes

    @property
    def max_bytes(self) -> int:
        """The bound in bytes; what is over a new one is dropped at once."""
        return self._max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ConfigurationError(f"max_bytes is {max_bytes}; a bound is 0 bytes or more.")
        self._max_bytes = max_bytes
        self._shrink()

    @property
    def bytes(self) -> int:
        """What is kept, in bytes."""
        return sum(tensor.nbytes for tensor, _ in list(self._entries.values()))

    def get(self, key: Hashable, make: Callable[[], Tensor], made_of: Sources = ()) -> Tensor:
        """Return what is kept under a key, or make and keep it.

        Args:
            key: Names the tensor.
            make: Makes it.
            made_of: The tensors that it is made of; what was made of others is made anew.
        """
        for tensor in made_of:
            if tensor is not None and tensor.requires_grad:
                return make()  # of tensors that were lent for a call, to learn how they are to move
        kept = self._entries.get(key)
        if kept is None or not kept[1].is_of(made_of):
            noted = origin(made_of)
            with for_keeping(device_of(made_of)):
                kept = make(), noted
            self._entries[key] = kept
            self._shrink()
        elif not torch.compiler.is_compiling():  # a compiled graph would be guarded on the order, and made anew
            try:  # noqa: SIM105  # suppress() would take longer than all of the look-up
                self._entries.move_to_end(key)
            except KeyError:  # another thread may have dropped it just now
                pass
        return kept[0]

    def forget(self, owner: str) -> None:
        """Drop everything whose key begins with ``owner``."""
        for key in [key for key in self._entries if isinstance(key, tuple) and key[0] == owner]:
            self._entries.pop(key, None)

    def _shrink(self) -> None:
        while self.bytes > self._max_bytes and self._entries:
            with suppress(KeyError):  # another thread may have dropped the last one just now
                oldest, _ = self._entries.popitem(last=False)
                if not torch.compiler.is_compiling():  # a compiled graph cannot write to a log
                    _log.debug("dropped %s: over the bound of %d bytes", oldest, self._max_bytes)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[type[KernelCache], tuple[int]]:
        # A copied model makes its own kernels when it needs them.
        return KernelCache, (self._max_bytes,)
