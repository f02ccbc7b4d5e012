"""What a task is: its name, what it draws on, and whether it is still in training."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from piggygan.errors import TaskNameError, TaskNotFoundError, TaskStateError
from piggygan.files.precision import Precision
from piggygan.terminal.guessing import did_you_mean

NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,63}(?:@(?:[2-9]|[1-9][0-9]{1,3}))?"
"""What a task may be called: a name, and from its second version on ``@`` and the version."""

_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True)
class Task:
    """One image-to-image task of a generator.

    Attributes:
        name: Lower-case letters, digits, ``_`` and ``-``, at most 64 of them; of a newer version of a task also ``@``
            and its number, such as ``lungs@2``.
        draws_on: Frozen tasks whose filters make up this task's bank, oldest first; empty for the base task.
        unconstrained_fraction: Share of filters of its own (lambda) in each convolution, 0..1, by path; empty for the
            base task, all of which is its own.
        in_channels: Channels of its input where they differ from the base task's, else None.
        out_channels: Channels of its output where they differ from the base task's, else None.
        max_bank: Most bank filters of a layer, as a multiple of the layer's filters; None: no bound.
        is_frozen: False while it trains.
        factor_step: What its factors are divided by while it trains; 1 once frozen.
        stored: In how many bits its factors and own filters are stored, once frozen; None: in all that they have.

    Example:
        >>> task = Task("lungs", draws_on=("facades",), out_channels=1)
        >>> task.name, task.is_frozen
        ('lungs', False)
    """

    name: str
    draws_on: tuple[str, ...] = ()
    unconstrained_fraction: Mapping[str, float] = field(default_factory=dict)
    in_channels: int | None = None
    out_channels: int | None = None
    max_bank: float | None = None
    is_frozen: bool = False
    factor_step: float = 1.0
    stored: Precision | None = None


def check_task_name(name: object) -> str:
    """Return ``name`` if a task may be called so.

    Raises:
        TaskNameError: If it is not 1 to 64 of a-z, 0-9, ``_`` and ``-``, a letter or digit first, and then, of a newer
            version of a task, ``@2`` to ``@9999``.

    Example:
        >>> check_task_name("chest-xray_2"), check_task_name("lungs@2")
        ('chest-xray_2', 'lungs@2')
    """
    if not is_task_name(name):
        shown = repr(name) if len(repr(name)) <= 80 else repr(name)[:77] + "..."
        raise TaskNameError(
            f"{shown} cannot name a task: use 1 to 64 of a-z, 0-9, '_' and '-', a letter or digit first, "
            f"such as 'lungs', and '@2' to '@9999' after it for a newer version: 'lungs' itself is the first."
        )
    return name


def is_task_name(name: object) -> TypeGuard[str]:
    """Say whether a task may be called so."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def version_of(name: str) -> tuple[str, int]:
    """Return what a task's name says: of which task it is a version, and which one.

    Example:
        >>> version_of("lungs"), version_of("lungs@1"), version_of("lungs@12")
        (('lungs', 1), ('lungs', 1), ('lungs', 12))
    """
    stem, _, number = name.partition("@")
    return stem, int(number or 1)


def check_descent(name: str, draws_on: Iterable[str]) -> None:
    """Refuse a newer version of a task that does not draw on an older one.

    Raises:
        TaskStateError: If so.
    """
    stem, number = version_of(name)
    if number > 1 and not older_versions(name, draws_on):
        raise TaskStateError(
            f"{name!r} is a newer version of {stem!r}, and draws on no older one: let it draw on {stem!r}, or call it "
            f"otherwise."
        )


def older_versions(name: str, names: Iterable[str]) -> list[str]:
    """Return the older versions of a task among others, the newest first.

    Example:
        >>> older_versions("lungs@3", ["facades", "lungs", "lungs@2", "lungs@4"])
        ['lungs@2', 'lungs']
    """
    stem, number = version_of(name)
    found = [other for other in names if version_of(other)[0] == stem and version_of(other)[1] < number]
    return sorted(found, key=version_of, reverse=True)


def task_not_found(name: object, known: Iterable[str]) -> TaskNotFoundError:
    """Make the error for an unknown task, with the names that look like it."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {', '.join(known)}."
    return TaskNotFoundError(f"there is no task {name!r}: {hint}")


def chosen_sources(tasks: Mapping[str, Task], task: str, draws_on: Sequence[str] | None) -> tuple[str, ...]:
    """Check what a new task is to draw on, and put it in order, oldest first.

    Args:
        tasks: Those that there are, oldest first.
        task: The new one's name.
        draws_on: What was asked for; None: all that are frozen.

    Raises:
        TaskNotFoundError: If one is unknown.
        TaskStateError: If one is not frozen, there is none, or the task is a newer version of one that is not there.
    """
    chosen = {name for name, other in tasks.items() if other.is_frozen} if draws_on is None else set(draws_on)
    for name in draws_on or ():
        if name not in tasks:
            raise task_not_found(name, tasks)
    unfrozen = [name for name in tasks if name in chosen and not tasks[name].is_frozen]
    if unfrozen or not chosen:
        raise TaskStateError(
            f"{task!r} draws on frozen tasks only: call freeze_task({[*unfrozen, *tasks][0]!r}) first."
        )
    check_descent(task, chosen)
    return tuple(name for name in tasks if name in chosen)


def chosen_start(tasks: Mapping[str, Task], task: str, sources: tuple[str, ...], start_from: str | None) -> str:
    """Return the task that a new one starts as.

    A newer version of a task starts as the newest older one of it, every other task as the last that it can.

    Raises:
        TaskStateError: If one was asked for that it does not draw on.
    """
    if start_from is not None:
        if start_from not in sources:
            guess = did_you_mean(str(start_from), sources)
            raise TaskStateError(
                f"{task!r} cannot start from {start_from!r}: {guess}{'It' if guess else 'it'} draws on "
                f"{', '.join(sources)}."
            )
        return start_from
    # The last one whose own filters are all mixtures of what is drawn on.
    for name in (*older_versions(task, sources), *reversed(sources)):
        if set(tasks[name].draws_on) <= set(sources):
            return name
    return sources[0]
