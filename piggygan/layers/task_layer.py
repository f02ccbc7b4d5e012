"""TaskLayer: what every module that holds tasks has, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.layers.statements import Fingerprint, Statement, from_tensor, to_tensor
from piggygan.layers.task_filters import TaskFilters

STATEMENT = "_extra_state"
"""Where torch puts what a module adds to a state dict."""


class TaskLayer(nn.Module):
    """A module that holds tasks, some of them frozen.

    What is frozen has a fingerprint, ``apply`` passes it by, and a state dict says what its tensors belong to.

    Args:
        base_task: Name of the base task.
    """

    def __init__(self, base_task: str) -> None:
        super().__init__()
        self.base_task = base_task
        self._fingerprints: dict[str, Fingerprint] = {}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that store something here, oldest first."""
        raise NotImplementedError

    def is_frozen(self, task: str) -> bool:
        """Say whether ``task`` can no longer change here."""
        raise NotImplementedError

    def stored(self, task: str) -> nn.Module:
        """Return the module that holds the tensors of ``task``."""
        raise NotImplementedError

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return what ``task`` stores here by name."""
        raise NotImplementedError

    def sources(self, task: str) -> tuple[str, ...]:
        """Return the tasks whose filters ``task`` is made of here, oldest first."""
        stored = self.stored(task)
        return stored.sources if isinstance(stored, TaskFilters) else ()

    def factor_step(self, task: str) -> float:
        """Return what the factors of ``task`` are divided by while it trains."""
        stored = self.stored(task)
        return stored.factor_step if isinstance(stored, TaskFilters) else 1.0

    # ------------------------------------------------------------------ what is frozen

    def keep_fingerprint(self, task: str) -> None:
        """Remember what the tensors of ``task`` are: it has just been frozen."""
        self._fingerprints[task] = Fingerprint.of(self.tensors(task))

    def forget_fingerprint(self, task: str) -> None:
        """Forget it: the task is removed."""
        self._fingerprints.pop(task, None)

    def moved(self, task: str) -> str | None:
        """Say in words how ``task`` differs from when it was frozen; None if it does not, or is in training."""
        before = self._fingerprints.get(task)
        return None if before is None else before.difference(self.tensors(task))

    @contextmanager
    def following_casts(self) -> Iterator[None]:
        """Follow what is frozen through a cast inside a ``with`` block, of the tensors as they were frozen."""
        before = {task: self.tensors(task) for task in self._fingerprints}
        yield
        for task, tensors in before.items():
            self._fingerprints[task] = self._fingerprints[task].after_cast(tensors, self.tensors(task))

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        with self.following_casts():
            super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # untyped in torch
        return self

    def apply(self, fn: Callable[[nn.Module], None]) -> Self:
        """Apply ``fn`` to the modules of tasks in training, never to what is frozen, nor to this wrapper."""
        for task in self.tasks:
            if not self.is_frozen(task):
                self.stored(task).apply(fn)
        return self

    # ------------------------------------------------------------------ state dicts

    def get_extra_state(self) -> Tensor:
        """Say of each task whether it is frozen, and what it is made of."""
        return to_tensor({task: self.statement(task) for task in self.tasks})

    def set_extra_state(self, state: object) -> None:
        """Do nothing: :meth:`check_fits` has looked at it, and fingerprints are taken over where tensors are loaded."""

    def check_fits(self, state_dict: Mapping[str, Any], prefix: str, *, strict: bool = False) -> dict[str, Statement]:
        """Refuse a state dict whose tensors would be something else here than they were.

        Args:
            state_dict: What is to be loaded, perhaps a part only.
            prefix: Of this layer's names in it.
            strict: Whether all tasks have to be the same.

        Returns:
            What it says of the tasks here that it brings.

        Raises:
            InputError: If it brings tensors of other tasks, of a task in training where it is frozen here, or made of
                others than here.
        """
        brought = self._brought(state_dict, prefix)
        stated = self.said_of(brought, state_dict, prefix) if brought else None
        if stated is None:
            return {}
        layer = self._place(prefix)
        if strict and stated.keys() != set(self.tasks):
            raise InputError(
                f"this state dict has the tasks {', '.join(stated)}, here are {', '.join(self.tasks)} ({layer}): add "
                f"the same tasks first, or say strict=False to load those that are in both."
            )
        if unknown := [task for task in brought if task not in stated]:
            raise InputError(f"this state dict says nothing of {unknown[0]!r} at {layer}: it is of another model.")
        found = {task: stated[task] for task in brought}
        self.check_statements(found, prefix)
        return found

    def said_of(self, tasks: Sequence[str], state_dict: Mapping[str, Any], prefix: str) -> dict[str, Statement] | None:
        """Return what a state dict says of its tasks; None if it need not say anything of these and does not.

        Raises:
            InputError: If it has to, since one of them draws on others.
        """
        name = prefix + STATEMENT
        if name in state_dict:
            return from_tensor(state_dict[name], name)
        if composed := [task for task in tasks if self.sources(task)]:
            raise InputError(
                f"this state dict does not say what {composed[0]!r} draws on at {self._place(prefix)}: {name} is "
                f"missing. Take it with state_dict(), all of it."
            )
        return None

    def check_statements(self, stated: Mapping[str, Statement], prefix: str) -> None:
        """Refuse tensors of tasks here that would be something else than a state dict says they were.

        Args:
            stated: What it says, by the tasks here that they would be.
            prefix: Of this layer's names in it.

        Raises:
            InputError: If one was in training and is frozen here, or is made of others than here.
        """
        problems = [problem for task, there in stated.items() if (problem := self.problem(task, there))]
        after = self._fingerprints | {task: there.frozen for task, there in stated.items()}
        for task in self.tasks:
            bank = stated[task].bank if task in stated else self.statement(task).bank
            if others := [source for source, fingerprint in bank.items() if after.get(source) != fingerprint]:
                problems.append(
                    f"{task!r} is made of another {others[0]!r} than it would have here. Load both from one state dict"
                )
        if problems:
            raise InputError(f"this state dict does not fit at {self._place(prefix)}: {problems[0]}.")

    def _place(self, prefix: str) -> str:
        return prefix.removesuffix(".") or type(self).__name__

    def _brought(self, state_dict: Mapping[str, Any], prefix: str) -> list[str]:
        """Return the tasks that a state dict has tensors of."""
        places = {id(module): name for name, module in self.named_modules()}
        starts = {task: f"{prefix}{places[id(self.stored(task))]}." for task in self.tasks}
        names = [name for name in state_dict if name.startswith(prefix)]
        return [task for task, start in starts.items() if any(name.startswith(start) for name in names)]

    def problem(self, task: str, there: Statement) -> str | None:
        """Say why a task cannot be taken over, whatever its tensors are."""
        is_frozen, sources = self.is_frozen(task), self.sources(task)
        if is_frozen and there.frozen is None:
            return f"{task!r} was in training and is frozen here; load it before freeze_task"
        if tuple(there.bank) != sources:
            return (
                f"{task!r} draws on {_listed(there.bank)} there, on {_listed(sources)} here; add it with that draws_on"
            )
        here = self.factor_step(task)
        if not is_frozen and there.frozen is None and there.factor_step != here:
            return (
                f"{task!r} was trained at factor_step {there.factor_step:g}, here it is {here:g}; an optimizer's state "
                f"would mean something else"
            )
        return None

    def statement(self, task: str) -> Statement:
        """Say of a task whether it is frozen, and what it is made of."""
        bank = {source: self._fingerprints[source] for source in self.sources(task)}
        return Statement(self._fingerprints.get(task), bank, self.factor_step(task))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        for task, statement in self.check_fits(state_dict, prefix).items():
            if self.is_frozen(task) and statement.frozen is not None:
                self._fingerprints[task] = statement.frozen
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def _listed(names: Mapping[str, Any] | tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
