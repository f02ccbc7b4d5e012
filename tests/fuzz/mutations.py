"""Small damage to what a format is made of: bytes, numbers, texts, and trees of JSON."""

from __future__ import annotations

import copy
import random
from typing import Any

HOSTILE_TEXTS = (
    "",
    "\x1b[2J\x1b[Hlungs: equal",
    "\x9b31m",
    "\u202egnul",
    "\u2066\u200f\u061c",
    "\ud800",
    "\r\n\x00\x07\x7f\x85",
    "\u2028facades: equal",
    "../../etc/passwd",
    "x" * 5000,
    "lungs",
    "0" * 64,
    "2026-11-27\x1b10:00:00+00:00",
    "ＦＵＬＬ",
)
HOSTILE_NUMBERS = (0, -1, 1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**34, 2**53 + 1, 2**63, 2**64, 10**30)
HOSTILE_FLOATS = (0.0, -0.0, 0.5, 1.0, -1.0, 1e-320, 1e308, 1e300)


def hostile_value(source: random.Random) -> Any:
    """Make a value that a reader may not expect."""
    kinds: list[Any] = [
        source.choice(HOSTILE_TEXTS),
        source.choice(HOSTILE_NUMBERS),
        source.choice(HOSTILE_FLOATS),
        None,
        True,
        [],
        {},
        [source.choice(HOSTILE_NUMBERS)] * source.choice((1, 3, 1000)),
        {source.choice(HOSTILE_TEXTS): source.choice(HOSTILE_NUMBERS)},
    ]
    return source.choice(kinds)


def mutated_bytes(data: bytes, source: random.Random) -> bytes:
    """Flip, cut, repeat or insert some bytes."""
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        place, length = source.randrange(len(changed) + 1), source.choice((1, 1, 2, 4, 16, 200))
        match source.randrange(5):
            case 0 if changed:
                changed[min(place, len(changed) - 1)] ^= 1 << source.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length]
            case 3:
                changed[place:place] = source.randbytes(length)
            case _:
                changed[place : place + length] = bytes([source.choice((0, 0xFF, 0x7F, 0x80))]) * length
    return bytes(changed)


def mutated_tree(tree: Any, source: random.Random) -> Any:
    """Change one to three places of a tree of JSON; the tree itself stays."""
    tree = copy.deepcopy(tree)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        _mutate_once(tree, source)
    return tree


def _mutate_once(tree: Any, source: random.Random) -> None:
    containers = [node for node in _nodes(tree) if isinstance(node, (dict, list)) and node]
    if not containers:
        return
    container = source.choice(containers)
    place = source.choice(list(container) if isinstance(container, dict) else range(len(container)))
    match source.randrange(10):
        case 0:
            del container[place]
        case 1:
            container[place] = copy.deepcopy(source.choice(list(_nodes(tree))))
        case 2 if isinstance(container, dict):
            container[source.choice((*HOSTILE_TEXTS, str(place) + "\x1b"))] = container.pop(place)
        case 3 if isinstance(container, list):
            container[place:place] = [copy.deepcopy(container[place])] * source.choice((1, 2, 500))
        case 4 | 5 | 6 | 7 | 8:  # most, since other kinds are refused at once
            container[place] = _beside(container[place], source)
        case _:
            container[place] = hostile_value(source)


def _beside(value: Any, source: random.Random) -> Any:
    """Give another value of the same kind, which gets past checks of types."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return source.choice((value + 1, value - 1, value * 2, -value, *HOSTILE_NUMBERS))
    if isinstance(value, float):
        return source.choice((value * 2, *HOSTILE_FLOATS))
    if isinstance(value, str):
        return source.choice((value + source.choice(HOSTILE_TEXTS), value[::-1], *HOSTILE_TEXTS))
    return hostile_value(source)


def _nodes(tree: Any) -> list[Any]:
    found = [tree]
    for node in found:
        found += list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    return found
