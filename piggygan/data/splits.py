"""Which files of a data set are for learning and which for testing: whole patients, never single files."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder, shown


def read_splits(path: str | Path) -> dict[str, list[str]]:
    """Read the lists of names in a ``splits.json``.

    Entries that are no lists, such as remarks, are passed over. A pair of two names, as a list or an object, counts as
    its first.

    Args:
        path: A JSON object of lists of file names, such as ``{"train": ["a.png"], "test": ["b.png"]}``.

    Returns:
        The names by side.

    Raises:
        DatasetError: If the file is missing or no such JSON, or a name is on two sides.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "splits.json")
        ...     _ = path.write_text('{"train": ["a.png", "b.png"], "test": ["c.png"], "made": "by hand"}')
        ...     read_splits(path)
        {'train': ['a.png', 'b.png'], 'test': ['c.png']}
    """
    path = Path(path)
    example = 'write one such as {"train": ["a.png"], "test": ["b.png"]}'
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise DatasetError(f"{shown(path)} is not a regular file: {example}.")
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{shown(path)} cannot be read: {error.strerror}; {example}.") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{shown(path)} is no JSON: {example}.") from error
    if not isinstance(parsed, dict):
        raise DatasetError(f"{shown(path)} holds no JSON object: {example}.")
    sides: dict[str, list[str]] = {}
    for side, entries in parsed.items():
        found = [_first_of(entry) for entry in entries] if isinstance(entries, list) else [None]
        if None not in found:
            sides[side] = [name for name in found if name is not None]
    seen: dict[str, str] = {}
    for side, names in sides.items():
        for name in names:
            if seen.setdefault(name, side) != side:
                raise DatasetError(f"{shown(path)} has {name!r} on two sides, {seen[name]} and {side}: keep it on one.")
    return sides


def _first_of(entry: object) -> str | None:
    """Return the name of a file, or the first name of a pair; None of anything else."""
    if isinstance(entry, dict):
        entry = list(entry.values())
    if isinstance(entry, list) and len(entry) == 2 and all(isinstance(name, str) for name in entry):
        entry = entry[0]
    return entry if isinstance(entry, str) else None


def write_splits(path: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Write the names of each side as :func:`read_splits` reads them, so that they survive a power loss.

    Args:
        path: The file; what is there is replaced, and its folder is made.
        splits: The names by side.

    Raises:
        DatasetError: If it cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "splits.json")
        ...     write_splits(path, {"train": ["a.png"], "test": ["b.png"]})
        ...     read_splits(path)
        {'train': ['a.png'], 'test': ['b.png']}
    """
    try:
        make_folder(path.parent)
        write_durably(path, json.dumps({side: list(names) for side, names in splits.items()}, indent=1).encode("ascii"))
    except OSError as error:
        raise DatasetError(f"{shown(path)} cannot be written: {error.strerror or error}.") from error


def side_of(splits: dict[str, list[str]], side: str, path: str | Path) -> list[str]:
    """Return the names of one side.

    Raises:
        DatasetError: If there is no such side, or it is empty.

    Example:
        >>> side_of({"train": ["a.png", "b.png"], "test": ["c.png"]}, "test", "splits.json")
        ['c.png']
    """
    if not splits.get(side):
        raise DatasetError(
            f"{shown(Path(path))} lists nothing under {side!r}; it has {', '.join(splits) or 'no lists'}."
        )
    return splits[side]


def split_by_patient(
    patients: Mapping[str, str], shares: Mapping[str, float], *, seed: int = 0
) -> dict[str, list[str]]:
    """Divide files among sides so that all files of a patient are on one.

    Patients are shuffled by a digest of seed and identifier, so the result depends on nothing else: not on the order
    of the files, the machine, or the version of a library.

    Args:
        patients: The patient of each file; where nobody knows patients, what the file came from, such as an article.
        shares: The share of the files that each side is to get; they add up to 1. Sides are filled in this order,
            each until another patient would take it further from its share.
        seed: 0 or more.

    Returns:
        The sorted names of each side; every file is on one.

    Raises:
        ConfigurationError: If the shares do not add up to 1, or one is not above 0, or the seed is below 0.
        DatasetError: If there are fewer patients than sides.

    Example:
        >>> split_by_patient({"a1": "a", "a2": "a", "b": "b", "c": "c"}, {"train": 0.75, "test": 0.25}, seed=0)
        {'train': ['a1', 'a2', 'b'], 'test': ['c']}
    """
    if not all(share > 0 for share in shares.values()) or not math.isclose(sum(shares.values()), 1.0):
        raise ConfigurationError(f"shares are {dict(shares)}; each must be above 0, and together they must be 1.")
    if seed < 0:
        raise ConfigurationError(f"seed is {seed}; it must be at least 0.")
    files: dict[str, list[str]] = defaultdict(list)
    for name, patient in sorted(patients.items()):
        files[patient].append(name)
    if len(files) < len(shares):
        raise DatasetError(
            f"{len(patients)} files are of {len(files)} patients; {len(shares)} sides need at least as many patients."
        )
    shuffled = sorted(files, key=lambda patient: (hashlib.sha256(f"{seed} {patient}".encode()).digest(), patient))
    return _fill(shuffled, files, shares)


def _fill(
    patients: Sequence[str], files: Mapping[str, Sequence[str]], shares: Mapping[str, float]
) -> dict[str, list[str]]:
    """Give whole patients in their order to one side after the other; no side stays empty."""
    total = sum(map(len, files.values()))
    sides: dict[str, list[str]] = {}
    end, given, place = 0.0, 0, 0
    for index, (side, share) in enumerate(shares.items()):
        end += share * total
        must_remain = len(shares) - index - 1
        names: list[str] = []
        while place < len(patients) - must_remain:
            count = len(files[patients[place]])
            if names and must_remain and abs(given + count - end) > abs(given - end):
                break
            names += files[patients[place]]
            given += count
            place += 1
        sides[side] = sorted(names)
    return sides


def patients_on_two_sides(
    patients: Mapping[str, str], splits: Mapping[str, Sequence[str]]
) -> list[dict[str, list[str]]]:
    """Find patients whose files are on more than one side.

    Args:
        patients: The patient of each file; files of unknown patients are not in it.
        splits: The names of the files of each side.

    Returns:
        For each such patient the names of its files by side. Patients themselves are not named.

    Example:
        >>> patients_on_two_sides({"a1": "a", "a2": "a", "b": "b"}, {"train": ["a1", "b"], "test": ["a2"]})
        [{'train': ['a1'], 'test': ['a2']}]
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for side, names in splits.items():
        for name in names:
            if name in patients:
                found[patients[name]].setdefault(side, []).append(name)
    return [sides for sides in found.values() if len(sides) > 1]
