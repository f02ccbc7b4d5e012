"""What a user chose for which modules, by path, pattern or type."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from torch import nn

from piggygan.errors import ConfigurationError

Pattern = str | type[nn.Module]
"""A module's path, with ``*`` for any characters and ``?`` for one, or its type; brackets are brackets."""

Choice = Literal["per_task", "shared_frozen"]


class Choices:
    """Which treatment the user chose for which module."""

    def __init__(
        self,
        generator: nn.Module,
        per_task: Sequence[Pattern],
        shared_frozen: Sequence[Pattern],
        include: Sequence[Pattern] | None,
    ) -> None:
        self._chosen: dict[Choice, Sequence[Pattern]] = {"per_task": per_task, "shared_frozen": shared_frozen}
        self._include = include
        modules = {path: module for path, module in generator.named_modules() if path}
        self._paths = frozenset(modules)
        for name, patterns in (*self._chosen.items(), ("include", include or ())):
            for pattern in patterns:
                if not any(self._means(pattern, path, module) for path, module in modules.items()):
                    raise unmatched(name, pattern, list(modules))

    def treatment(self, path: str, module: nn.Module) -> Choice | None:
        """Return what was chosen for a module, or None."""
        matched = [
            treatment
            for treatment, patterns in self._chosen.items()
            if any(self._means(pattern, path, module) for pattern in patterns)
        ]
        if len(matched) > 1:
            raise ConfigurationError(f"{path} is matched by per_task and by shared_frozen: choose one.")
        return matched[0] if matched else None

    def is_included(self, path: str, module: nn.Module) -> bool:
        """Say whether a convolution is to be built from banks."""
        return self._include is None or any(self._means(pattern, path, module) for pattern in self._include)

    def _means(self, pattern: Pattern, path: str, module: nn.Module) -> bool:
        return matches(pattern, path, self._paths) if isinstance(pattern, str) else isinstance(module, pattern)


def matches(pattern: str, path: str, paths: Collection[str]) -> bool:
    """Say whether a path is meant by a pattern.

    Args:
        pattern: With ``*`` and ``?``. One that is a path itself means that path alone: a module may have any name.
        path: One of the paths.
        paths: All that there are.

    Example:
        >>> [matches("up.*", path, ["up.0", "up[0]"]) for path in ("up.0", "up[0]")]
        [True, False]
        >>> matches("up[0]", "up[0]", ["up0", "up[0]"]), matches("up[0]", "up0", ["up0"])
        (True, False)
    """
    if pattern in paths:
        return pattern == path
    return fnmatchcase(path, pattern.replace("[", "[[]"))


def unmatched(argument: str, pattern: Pattern, paths: Sequence[str]) -> ConfigurationError:
    """Make the error for a pattern that means no module, with some of those that there are."""
    shown = repr(pattern) if isinstance(pattern, str) else pattern.__name__
    some = ", ".join(paths[:5]) + (", ..." if len(paths) > 5 else "")
    return ConfigurationError(f"{argument}: {shown} matches no module; there are {some or 'none'}.")
