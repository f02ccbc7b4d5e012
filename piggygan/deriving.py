"""How a tensor is made that is kept: alike whatever surrounds the call, and known for stale when its sources move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

Sources = tuple[Tensor | None, ...]


def in_full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Leave autocast inside a ``with`` block: what is made there has the precision of what it is made of."""
    if device.type != "meta" and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


@contextmanager
def for_keeping(device: torch.device) -> Iterator[None]:
    """Leave autocast, inference mode and the recording of gradients inside a ``with`` block.

    What outlives a call must not depend on what surrounded the call: a kernel composed under autocast would stay
    rounded, and a tensor made in inference mode could not be used in training later.

    Args:
        device: Where the tensors are.
    """
    with torch.inference_mode(False), torch.no_grad(), in_full_precision(device):
        yield


class Derived(NamedTuple):
    """A tensor, and what it was made of.

    Attributes:
        tensor: What was made.
        sources: What it was made of; None stands for what the layer does not have.
        versions: How often each source had been written to.
    """

    tensor: Tensor
    sources: Sources
    versions: tuple[int, ...]

    def is_of(self, sources: Sources) -> bool:
        """Say whether these are the same tensors, and none was written to since.

        Loading, moving and replacing show so wherever they happen. Writing through ``.data`` does not.
        """
        if len(self.sources) != len(sources) or any(a is not b for a, b in zip(self.sources, sources, strict=True)):
            return False
        # A compiled graph cannot look at versions; it is guarded on what the layers forget.
        return torch.compiler.is_compiling() or self.versions == _versions(sources)


def derive(make: Callable[[], Tensor], sources: Sources) -> Derived:
    """Make a tensor that is to be kept, on the device of what it is made of."""
    versions = () if torch.compiler.is_compiling() else _versions(sources)
    device = next((tensor.device for tensor in sources if tensor is not None), torch.device("cpu"))
    with for_keeping(device):
        return Derived(make(), sources, versions)


def _versions(sources: Sources) -> tuple[int, ...]:
    return tuple(-1 if tensor is None or tensor.is_inference() else tensor._version for tensor in sources)
