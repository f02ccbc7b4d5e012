"""Buffers of modules that hold others: a generator's mean, a running statistic of a block.

The module stays in its place, so its buffers do too. They belong to the base task and to all that draw on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from piggygan.errors import TaskStateError
from piggygan.layers.freezing import same_bytes
from piggygan.layers.task_layer import STATEMENT, TaskLayer


class _Kept(NamedTuple):
    """A buffer as it has to be: the tensor itself, its version when it was looked at, and a copy."""

    tensor: Tensor
    version: int | None
    copy: Tensor

    def is_unmoved(self, tensor: Tensor | None) -> bool:
        if tensor is not self.tensor or self.version != _version(self.tensor):
            return False
        return self.version is not None or same_bytes(self.tensor, self.copy)


class OwnBuffers(TaskLayer):
    """The own buffers of one module, which the base task learns and all later tasks use as they are.

    Frozen, they cannot move: what moves one in place or puts another in its place is undone and refused. Only a change
    behind PyTorch's back (``.data``) goes unseen here.

    Args:
        owner: The module; it stays where it is.
        base_task: Name of the base task.
        path: Where it is in its generator, for messages.
    """

    parameter_names: tuple[str, ...] = ()
    """It has no parameters."""

    def __init__(self, owner: nn.Module, base_task: str, path: str) -> None:
        super().__init__(base_task)
        self.path = path
        self._owners = (owner,)  # not as a child: the owner stays where it is
        self._is_frozen = False
        self._kept: dict[str, _Kept] = {}
        # A buffer that is not persistent is made anew by the generator's constructor; it is guarded all the same.
        self._stored = [name for name in owner._buffers if name not in owner._non_persistent_buffers_set]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The base task, which alone stores something here."""
        return (self.base_task,)

    def is_frozen(self, task: str) -> bool:
        """Say whether ``task`` can no longer change here; only the base task ever could."""
        return self._is_frozen or task != self.base_task

    def stored(self, task: str) -> nn.Module:
        """Return a module that holds the buffers for the base task, and an empty one for every other."""
        holder = nn.Module()
        for name, tensor in self._owners[0]._buffers.items() if task == self.base_task else ():
            holder.register_buffer(name, tensor)
        return holder

    def add_task(self, task: str, *, start_from: str | None) -> None:
        """Do nothing: there is nothing to add."""

    def remove_task(self, task: str) -> None:
        """Do nothing: there is nothing to remove."""

    def freeze_task(self, task: str) -> None:
        """Freeze the buffers with the base task."""
        if task == self.base_task:
            self._is_frozen = True
            self.keep_fingerprint(task)

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return the persistent buffers for the base task, nothing for others."""
        if task != self.base_task:
            return {}
        found = {name: self._owners[0]._buffers[name] for name in self._stored}
        return {name: tensor.detach() for name, tensor in found.items() if tensor is not None}

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check."""
        here = self.tensors(task)
        with torch.no_grad():
            for name, tensor in tensors.items():
                here[name].copy_(tensor)

    def store_only(self, names: Sequence[str]) -> None:
        """Store these buffers alone: a registry of an earlier version has none of them."""
        self._stored = [name for name in self._stored if name in names]

    def fold_task(self, task: str) -> None:
        """Do nothing: the module that has the buffers is copied with the generator."""

    def _brought(self, state_dict: Mapping[str, Any], prefix: str) -> list[str]:
        # The buffers' names are the owner's: a state dict that has this layer's statement has them too.
        return [self.base_task] if prefix + STATEMENT in state_dict else []

    def note(self) -> None:
        """Look at the buffers as they are, if they are frozen."""
        if not self._is_frozen:
            return
        for name, tensor in self._owners[0]._buffers.items():
            if tensor is not None and not (name in self._kept and self._kept[name].is_unmoved(tensor)):
                self._kept[name] = _Kept(tensor, _version(tensor), tensor.detach().clone())

    def put_back(self) -> list[str]:
        """Undo what has moved since :meth:`note`, and name it."""
        moved = [name for name, kept in self._kept.items() if not kept.is_unmoved(self._owners[0]._buffers.get(name))]
        for name in moved:
            tensor, _, copy = self._kept.pop(name)
            with torch.no_grad():
                tensor.copy_(copy)
            self._owners[0]._buffers[name] = tensor
        return [f"{self.path}.{name}" if self.path else name for name in moved]


@contextmanager
def unmoved(layers: Sequence[OwnBuffers]) -> Iterator[None]:
    """Refuse a computation that moves frozen buffers; they are then as before.

    Raises:
        TaskStateError: If one moved.
    """
    if not layers or torch.compiler.is_compiling():
        yield
        return
    for layer in layers:
        layer.note()
    moved: list[str] = []
    try:
        yield
    finally:
        for layer in layers:
            moved += layer.put_back()
    if moved:
        home = moved[0].rpartition(".")[0]
        way_out = (
            f"per_task=[{home!r}] gives each task a copy of {home}" if home else "or hold it in a module of its own"
        )
        raise TaskStateError(
            f"{', '.join(moved)} moved in this call, and frozen tasks depend on it; it has been put back. Let it move "
            f"only while the base task is learned; {way_out}."
        )


def _version(tensor: Tensor) -> int | None:
    """Return how often a tensor was written to; None for one of inference mode, which does not count."""
    return None if tensor.is_inference() else tensor._version
