"""Kept: what predicting asks of a registry, on disk or read before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from torch import Tensor

from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRecord


class Kept(Protocol):
    """Committed tasks; a :class:`piggygan.TaskRegistry` is one."""

    @property
    def records(self) -> Sequence[TaskRecord]:
        """What was recorded of every task."""

    @property
    def needs_generator(self) -> bool:
        """Whether the generator is a class of its owner's."""

    def describe(self, task: str) -> TaskRecord:
        """Return what was recorded of a task."""

    def attachment(self, task: str, name: str) -> dict[str, Tensor]:
        """Return what was attached to a task."""

    def load(self, tasks: Iterable[str], *, network: str | None = None) -> MultiTaskGenerator:
        """Return a model that has these tasks."""
