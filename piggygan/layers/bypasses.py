"""Ways around a wrapper: what replacing modules in the tree does not reach, and would compute with the base task's.

A wrapper takes its module's place among the attributes that ``nn.Module`` registers. A plain list, a partial or a
closure that holds the module too would go on calling the module itself, whatever the task.
"""

from __future__ import annotations

import functools
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor, nn

_REGISTERED = frozenset({"_modules", "_parameters", "_buffers"})
_PLAIN = (str, bytes, int, float, complex, type(None))
_DEEPEST = 6
"""How many objects inside one another are looked into."""


def bypasses(generator: nn.Module, treated: Mapping[str, nn.Module]) -> Iterator[str]:
    """Name every attribute that would go around the wrappers of some modules.

    Args:
        generator: As it is, not wrapped.
        treated: The modules that would be wrapped, by path.

    Example:
        >>> conv = nn.Conv2d(3, 3, 1)
        >>> generator = nn.Sequential(conv)
        >>> generator.stages = [conv]
        >>> print(*bypasses(generator, {"0": conv}))
        stages[0] holds 0, where no wrapper takes its place: use nn.ModuleList, nn.ModuleDict or an attribute
    """
    tree = _Tree(generator, treated)
    for path, module in generator.named_modules():
        for name, value in attributes(module):
            shown = f"{path}.{name}" if path else name
            problem = next((p for p in (tree.problem(module, *found) for found in held(value, shown)) if p), "")
            if problem:
                yield problem


def patched_methods(module: nn.Module) -> list[str]:
    """Name the methods of a module's class that this one instance has replaced.

    ``self.forward = self._forward_fast`` chooses among a class's own methods, and is none.

    Example:
        >>> conv = nn.Conv2d(3, 3, 1)
        >>> conv.forward = lambda images: images
        >>> patched_methods(conv)
        ['forward']
    """
    kind = type(module)
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and isinstance(getattr(kind, name, None), FunctionType) and not _is_own(value, module)
    ]


def _is_own(value: object, module: nn.Module) -> bool:
    if not isinstance(value, MethodType) or value.__self__ is not module:
        return False
    return getattr(type(module), value.__func__.__name__, None) is value.__func__


class _Tree:
    """What a generator's tree holds, and which of it would be wrapped."""

    def __init__(self, generator: nn.Module, treated: Mapping[str, nn.Module]) -> None:
        self._paths = {id(module): path for path, module in generator.named_modules()}
        self._owners = {id(part): path for path, module in treated.items() for part in module.modules()}
        named = [*generator.named_parameters(), *generator.named_buffers()]
        self._tensors = {id(tensor): name for name, tensor in named}
        self._owned = {
            id(tensor): path for path, module in treated.items() for tensor in (*module.parameters(), *module.buffers())
        }

    def problem(self, holder: nn.Module, shown: str, held: nn.Module | Tensor) -> str:
        """Say what is wrong with what an attribute of ``holder`` holds; empty if nothing."""
        if isinstance(held, Tensor):
            return self._problem_of_tensor(holder, shown, held)
        home = self._owners.get(id(holder))
        for part in held.modules():
            if id(part) not in self._paths:
                continue
            owner = self._owners.get(id(part))
            if owner != home:  # in another wrapper than the holder's, or one of the two in none
                return f"{shown} holds {self._named(part, owner)}, where no wrapper takes its place: {_WAY_OUT}"
            if id(held) in self._paths:
                return ""  # a module of the tree, whose own children are replaced where they are
        return _unregistered(shown, held, self._paths)

    def _problem_of_tensor(self, holder: nn.Module, shown: str, held: Tensor) -> str:
        if id(held) not in self._tensors:
            if held.requires_grad and held.is_leaf:
                return f"{shown} is learned but not registered: register it as a parameter of its module"
            return ""
        if id(held) in self._owned and self._owned[id(held)] != self._owners.get(id(holder)):
            return f"{shown} holds {self._tensors[id(held)]} of the base task: read it from its module instead"
        return ""

    def _named(self, part: nn.Module, owner: str | None) -> str:
        return self._paths.get(id(part)) or owner or "the generator"


_WAY_OUT = "use nn.ModuleList, nn.ModuleDict or an attribute"


def _unregistered(shown: str, held: nn.Module, registered: Mapping[int, str]) -> str:
    learned = any(
        parameter.requires_grad
        for part in held.modules()
        if id(part) not in registered
        for parameter in part.parameters(recurse=False)
    )
    if not learned:  # such as a fixed network that a state dict is not to have
        return ""
    return f"{shown} is a {type(held).__name__} that is learned but not registered: {_WAY_OUT}"


def attributes(module: nn.Module) -> Iterator[tuple[str, object]]:
    """Return what a module holds besides what it registers, and the modules that its class holds for all instances."""
    yield from ((name, value) for name, value in vars(module).items() if name not in _REGISTERED)
    for kind in type(module).__mro__:
        if kind is nn.Module:
            return
        yield from ((name, value) for name, value in vars(kind).items() if isinstance(value, nn.Module))


def held(value: object, shown: str) -> Iterator[tuple[str, nn.Module | Tensor]]:
    """Find the modules and tensors that an object holds, however it holds them."""
    waiting = deque([(shown, value, 0)])
    seen: dict[int, object] = {}  # with the objects, so that no other one takes the identity of one that is gone
    while waiting:
        name, current, depth = waiting.popleft()
        if id(current) in seen:
            continue
        seen[id(current)] = current
        if isinstance(current, (nn.Module, Tensor)):
            yield name, current
        elif depth < _DEEPEST:
            waiting.extend((name + suffix, part, depth + 1) for suffix, part in _parts(current))


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items() if not isinstance(part, _PLAIN))
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        yield from ((f"[{number}]", part) for number, part in enumerate(value) if not isinstance(part, _PLAIN))
    elif isinstance(value, functools.partial):
        yield from ((".func", value.func), (".args", value.args), (".keywords", value.keywords))
    elif isinstance(value, MethodType):
        yield from ((".__self__", value.__self__), (".__func__", value.__func__))
    elif isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, weakref.ref):
        yield "()", value()
    elif not isinstance(value, (type, ModuleType)):
        yield from ((f".{name}", part) for name, part in _fields(value).items())


def _fields(value: object) -> dict[str, object]:
    """Return what an object holds under names, in slots too."""
    slots = [name for kind in type(value).__mro__ for name in _names(vars(kind).get("__slots__", ()))]
    fields = {name: getattr(value, name, None) for name in slots}
    return fields | (vars(value) if hasattr(value, "__dict__") else {})


def _names(slots: str | Iterable[str]) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)


def _of_function(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f" ({name} in its closure)", cell.cell_contents
        except ValueError:  # a variable without a value yet
            continue
    yield from ((f" (default {number})", part) for number, part in enumerate(function.__defaults__ or ()))
    yield from ((f" (default {name})", part) for name, part in (function.__kwdefaults__ or {}).items())
    yield from ((f".{name}", part) for name, part in vars(function).items())
