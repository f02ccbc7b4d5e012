"""How a tensor is made that is kept: alike whatever surrounds the call, and known for stale when its sources move."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

Sources = Sequence[Tensor | None]
EXACT = ("ieee", "none")
"""Settings of ``fp32_precision`` that multiply single precision as such."""


_NOTHING = nullcontext()


def in_full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Leave autocast inside a ``with`` block: what is made there has the precision of what it is made of."""
    if device.type != "meta" and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return _NOTHING


_ONE_AT_A_TIME = threading.RLock()  # the switches below are the whole process's


@contextmanager
def exact_products() -> Iterator[None]:
    """Multiply single precision as such inside a ``with`` block, whatever ``set_float32_matmul_precision`` says.

    TF32 keeps 10 of 23 bits: a warm start would not be the earlier task any more.
    """
    if torch.compiler.is_compiling():
        yield
        return
    with _ONE_AT_A_TIME:
        backends: Any = torch.backends  # not all of it is typed
        switches = (backends.cuda.matmul, backends.mkldnn.matmul)
        former = [(switch, switch.fp32_precision) for switch in switches]
        for switch, precision in former:
            if precision not in EXACT:
                switch.fp32_precision = "ieee"
        try:
            yield
        finally:
            for switch, precision in former:
                if precision not in EXACT:
                    _put_back(switch, precision)


def _put_back(switch: Any, precision: str) -> None:
    switch.fp32_precision = "none"  # which takes over what torch.backends.fp32_precision says
    if switch.fp32_precision != precision:
        switch.fp32_precision = precision


@contextmanager
def for_keeping(device: torch.device) -> Iterator[None]:
    """Leave autocast, inference mode, inexact products and the recording of gradients inside a ``with`` block.

    What outlives a call must not depend on what surrounded the call: a kernel composed under autocast would stay
    rounded, and a tensor made in inference mode could not be used in training later.

    Args:
        device: Where the tensors are.
    """
    with torch.inference_mode(False), torch.no_grad(), in_full_precision(device), exact_products():
        yield


class Origin(NamedTuple):
    """What something was made of.

    Attributes:
        sources: The tensors; None stands for one that a layer does not have.
        versions: How often each had been written to; None if a compiler looked.
    """

    sources: Sources
    versions: list[int] | None

    def is_of(self, sources: Sources) -> bool:
        """Say whether these are the same tensors, and none was written to since.

        Loading, moving and replacing show so wherever they happen. Writing through ``.data`` does not.
        """
        # A compiled graph cannot look at versions; it is guarded on what the layers forget.
        looks = not torch.compiler.is_compiling()
        if len(sources) != len(self.sources) or (looks and self.versions is None):
            return False
        for tensor, kept, version in zip(sources, self.sources, self.versions or sources, strict=True):
            if tensor is not kept:
                return False
            if looks and tensor is not None and version != (-1 if tensor.is_inference() else tensor._version):
                return False
        return True


def origin(sources: Sources) -> Origin:
    """Note what something is about to be made of."""
    return Origin(sources, None if torch.compiler.is_compiling() else _versions(sources))


def device_of(sources: Sources) -> torch.device:
    """Return where tensors are; the processor if there are none."""
    return next((tensor.device for tensor in sources if tensor is not None), torch.device("cpu"))


def _versions(sources: Sources) -> list[int]:
    # A tensor of inference mode does not count.
    return [-1 if tensor is None or tensor.is_inference() else tensor._version for tensor in sources]
