"""What each of several processes has for itself in a checkpoint, beside what all of them have alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from piggygan.files.tensors import part_of
from piggygan.training.state import TrainingState

OF_ONE = ("random", "loader", "objective")
"""Parts of a checkpoint of which each process has its own; in an epoch the networks' buffers are its own, too."""
_PLACE = "process"


def own_share(tensors: Mapping[str, Tensor], state: TrainingState, *, is_within_epoch: bool) -> dict[str, Tensor]:
    """Choose what this process has for itself of all that its training depends on."""
    buffers = {f"network.{name}" for name, tensor in state.changing.items() if not isinstance(tensor, nn.Parameter)}
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name.startswith(OF_ONE) or (is_within_epoch and name in buffers)
    }


def with_shares(
    document: dict[str, Any], tensors: Mapping[str, Tensor], shares: Sequence[Mapping[str, Tensor]]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Put what the other processes have for themselves into the main one's checkpoint.

    Args:
        document: Of the main process.
        tensors: Likewise.
        shares: Of each process, the main one first, whose own stays where it is.
    """
    of_others = {
        f"{_PLACE}.{number}.{name}": tensor
        for number, share in enumerate(shares)
        if number
        for name, tensor in share.items()
    }
    everything = {**tensors, **of_others}
    return {**document, "tensors": tuple(sorted(everything))}, everything


def as_of(process: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what a training depends on in one process.

    A process that the checkpoint does not know, which only a training that goes on inexactly has, gets what all have
    alike.
    """
    common = {name: tensor for name, tensor in tensors.items() if not name.startswith(f"{_PLACE}.")}
    if process == 0:
        return common
    alike = {name: tensor for name, tensor in common.items() if not name.startswith(OF_ONE)}
    return alike | part_of(tensors, f"{_PLACE}.{process}")
