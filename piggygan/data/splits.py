"""Which files of a data set are for learning and which for testing, as a JSON file beside it says."""

from __future__ import annotations

import json
from pathlib import Path

from piggygan.data.files import shown
from piggygan.errors import DatasetError


def read_splits(path: str | Path) -> dict[str, list[str]]:
    """Read the lists of names in a ``splits.json``.

    Entries that are no lists of text, such as remarks, are passed over.

    Args:
        path: A JSON object of lists of file names, such as ``{"train": ["a.png"], "test": ["b.png"]}``.

    Returns:
        The names by side.

    Raises:
        DatasetError: If the file is missing or no such JSON, or a name is on two sides.
    """
    path = Path(path)
    example = 'write one such as {"train": ["a.png"], "test": ["b.png"]}'
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{shown(path)} cannot be read: {error.strerror}; {example}.") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{shown(path)} is no JSON: {example}.") from error
    if not isinstance(parsed, dict):
        raise DatasetError(f"{shown(path)} holds no JSON object: {example}.")
    sides = {
        side: names
        for side, names in parsed.items()
        if isinstance(names, list) and all(isinstance(name, str) for name in names)
    }
    seen: dict[str, str] = {}
    for side, names in sides.items():
        for name in names:
            if seen.setdefault(name, side) != side:
                raise DatasetError(f"{shown(path)} has {name!r} on two sides, {seen[name]} and {side}: keep it on one.")
    return sides


def side_of(splits: dict[str, list[str]], side: str, path: str | Path) -> list[str]:
    """Return the names of one side.

    Raises:
        DatasetError: If there is no such side, or it is empty.
    """
    if not splits.get(side):
        raise DatasetError(
            f"{shown(Path(path))} lists nothing under {side!r}; it has {', '.join(splits) or 'no lists'}."
        )
    return splits[side]
