"""Names that stand for tasks: the newest version of a task, and the members of an ensemble.

Nothing is stored of either but what each task's record says: ``lungs@2`` is a version of ``lungs`` by its name, and a
member says of which ensemble it is. So both are committed, signed, exported and removed with the tasks themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from piggygan.errors import InputError, TaskNotFoundError
from piggygan.layers.tasks import task_not_found, version_of
from piggygan.registry.provenance import Member
from piggygan.registry.task_parts import TaskSettings


def check_ensembles(tasks: Iterable[tuple[str, Member | None, Mapping[str, TaskSettings]]]) -> None:
    """Refuse members that do not go together.

    Args:
        tasks: Of each its name, its place in an ensemble, and how it is built in each network.

    Raises:
        InputError: If two have one number, do not agree on how many there are, or take or make other channels; or if an
            ensemble has the name of a task.
    """
    names: set[str] = set()
    of_group: dict[str, dict[str, tuple[Member, list[tuple[str, str, str]]]]] = {}
    for name, member, settings in tasks:
        names.add(name)
        if member is not None:
            channels = sorted((n, str(s.in_channels), str(s.out_channels)) for n, s in settings.items())
            of_group.setdefault(member.group, {})[name] = (member, channels)
    for group, found in of_group.items():
        if group in names:
            raise InputError(f"{group!r} is the name of a task and of an ensemble: call one of them otherwise.")
        places = [member for member, _ in found.values()]
        if len({place.number for place in places}) < len(places) or len({place.of for place in places}) > 1:
            said = ", ".join(f"{name} is {member.number} of {member.of}" for name, (member, _) in found.items())
            raise InputError(f"the members of {group!r} do not go together: {said}.")
        first = next(iter(found.values()))[1]
        if any(channels != first for _, channels in found.values()):
            raise InputError(f"the members of {group!r} take or make other channels, so there is no mean of them.")


Places = Mapping[str, Member | None]
"""For each task its place in an ensemble, in the order of the commits."""


def versions(tasks: Places, name: str) -> tuple[str, ...]:
    """Return all versions of a task or an ensemble, the oldest first.

    Args:
        tasks: What there is.
        name: Its name, of any version.

    Raises:
        TaskNotFoundError: If there is none, or only some members of it.
    """
    ensembles = _ensembles(tasks)
    there = [*tasks, *(group for group, found in ensembles.items() if len(found) == found[0][0].of)]
    stem = name.partition("@")[0]
    versions = tuple(sorted((one for one in there if version_of(one)[0] == stem), key=version_of))
    if not versions and name in ensembles:
        found = ensembles[name]
        raise TaskNotFoundError(
            f"of the ensemble {name!r} there are {len(found)} of {found[0][0].of} members: train the rest."
        )
    if not versions:
        raise task_not_found(name, there)
    return versions


def resolve(tasks: Places, name: str) -> str:
    """Return the task or ensemble that a name means: by ``lungs`` the newest version, by ``lungs@2`` that one.

    Example:
        >>> tasks = dict.fromkeys(["lungs", "lungs@2"])
        >>> resolve(tasks, "lungs"), resolve(tasks, "lungs@1")
        ('lungs@2', 'lungs')

    Raises:
        TaskNotFoundError: If there is no such one.
    """
    found = versions(tasks, name)
    stem, pinned, number = name.partition("@")
    if not pinned:
        return found[-1]
    exact = stem if number == "1" else name
    if exact not in found:
        raise task_not_found(name, found)
    return exact


def members(tasks: Places, name: str) -> tuple[str, ...]:
    """Return the tasks that a name means: those of an ensemble in their order, or one.

    Raises:
        TaskNotFoundError: As of :func:`resolve`.
    """
    meant = resolve(tasks, name)
    return ensembles(tasks).get(meant, (meant,))


def ensembles(tasks: Places) -> dict[str, tuple[str, ...]]:
    """Return the members of each ensemble that are there, in their order; it may lack some.

    Example:
        >>> ensembles({"lungs-2": Member("lungs", 2, 2), "facades": None, "lungs-1": Member("lungs", 1, 2)})
        {'lungs': ('lungs-1', 'lungs-2')}
    """
    return {
        group: tuple(task for _, task in sorted(found, key=lambda place: place[0].number))
        for group, found in _ensembles(tasks).items()
    }


def named(tasks: Places, names: Iterable[str]) -> list[str]:
    """Put the members of ensembles in the place of their names; other names stay, whether there are such tasks or not.

    Example:
        >>> named({"lungs-1": Member("lungs", 1, 2), "lungs-2": Member("lungs", 2, 2)}, ["facades", "lungs"])
        ['facades', 'lungs-1', 'lungs-2']
    """
    groups = ensembles(tasks)
    return [task for name in names for task in groups.get(name, (name,))]


def _ensembles(tasks: Places) -> dict[str, list[tuple[Member, str]]]:
    found: dict[str, list[tuple[Member, str]]] = {}
    for task, member in tasks.items():
        if member is not None:
            found.setdefault(member.group, []).append((member, task))
    return found
