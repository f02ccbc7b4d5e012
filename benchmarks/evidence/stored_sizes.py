"""How much is stored: learned numbers, and bytes of everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

NOT_LEARNED = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Size:
    """What tensors take.

    Attributes:
        parameters: Learned numbers; whatever is smaller than 4 bytes, such as a bit of a mask, counts by its bytes.
        bytes: All bytes: running statistics and kept examples too.
    """

    parameters: int
    bytes: int


def size_of(tensors: Mapping[str, Tensor]) -> Size:
    """Count what a contender stores for a task."""
    learned = [
        tensor for name, tensor in tensors.items() if not (name.endswith(NOT_LEARNED) or name.startswith("examples."))
    ]
    return Size(sum(tensor.nbytes for tensor in learned) // 4, sum(tensor.nbytes for tensor in tensors.values()))
