"""From the folders that somebody names to a data set: one folder whose form is found, or two whose form is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.known import open_dataset
from piggygan.data.datasets.own import ImagesWithMasks, Pictures, SideBySide, TwoFolders, UnpairedFolders
from piggygan.data.datasets.parted import PartedFolder
from piggygan.data.folders import SUFFIXES
from piggygan.data.pictures.outline import picture_size
from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.regular import shown

_NAMED = {
    ("inputs", "targets"): TwoFolders,
    ("images", "masks"): ImagesWithMasks,
    ("side_a", "side_b"): UnpairedFolders,
}
_FORMS = (
    "train/ and test/ of pairs side by side, A/ and B/ of equal names, images/ and masks/, trainA/ and trainB/, or a "
    "set of `piggygan data list`"
)
_MOST_NAMED = 5


def open_named(named: Mapping[str, Path | None]) -> DatasetFolder:
    """Open what is named: ``data``; ``inputs`` and ``targets``; ``images`` and ``masks``; or ``side_a`` and ``side_b``.

    Args:
        named: Folders by these names; None where one is not given.

    Raises:
        ConfigurationError: If nothing, too little or too much is named.
        DatasetError: If a folder is missing, empty, of no form or of several, or holds no targets.
        PairError: If names are not unique.
    """
    given = {name: path for name, path in named.items() if path is not None}
    if not given:
        raise ConfigurationError(
            "no data are named: give --data FOLDER, or two folders: --inputs and --targets, --images and --masks, or "
            "--side-a and --side-b."
        )
    groups = [group for group in (("data",), *_NAMED) if given.keys() & set(group)]
    if len(groups) > 1:
        raise ConfigurationError(f"{_options(given)} are data of different forms: name one of them.")
    missing = [name for name in groups[0] if name not in given]
    if missing:
        raise ConfigurationError(f"{_options(given)} needs {_options(missing)} as well.")
    if "data" in given:
        return _found(given["data"])
    first, second = (given[name] for name in groups[0])
    if first.exists() and second.exists() and first.samefile(second):
        raise ConfigurationError(f"{_options(given)} are one folder, {shown(first)}: name two.")
    return _matched(_NAMED[groups[0][0], groups[0][1]].of(first, second))


def _matched(dataset: PartedFolder) -> PartedFolder:
    """Make sure that anything belongs together."""
    if dataset.files:
        return dataset
    first, second = dataset.places[0].first, dataset.places[0].second
    name, reason = dataset.incomplete[0]
    raise DatasetError(
        f"no file in {shown(first)} has the name of one in {shown(second)}, such as {name!r}, which {reason}: give "
        f"both of a pair one name."
    )


def _options(names: Mapping[str, Path] | list[str]) -> str:
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def _found(folder: Path) -> DatasetFolder:
    """Open a folder, and make sure that there is something to learn from in it."""
    dataset = open_dataset(folder)
    if isinstance(dataset, PartedFolder):
        return _matched(dataset)
    if not isinstance(dataset, Pictures):
        return dataset
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not pictures:
        raise DatasetError(f"{shown(folder)} holds no pictures itself, only folders{_forms_below(folder)}.")
    size = picture_size(pictures[0])
    if size is not None and size[0] == 2 * size[1]:
        return SideBySide(folder)
    told = f", and {pictures[0].name!r} is {size[0]} x {size[1]} pixels, no pair side by side" if size else ""
    raise DatasetError(f"{shown(folder)} has pictures and no targets{told}: needed are {_FORMS}.")


def _forms_below(folder: Path) -> str:
    """Say what the folders in a folder are, so that the one that is meant can be named."""
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    for path in below[:_MOST_NAMED]:
        try:
            inner = open_dataset(path)
        except DatasetError:
            continue
        if not isinstance(inner, Pictures):
            return f": did you mean {shown(path)}, which is of the form {inner.name}? If not, needed are {_FORMS}"
    listed = ", ".join(repr(path.name) for path in below[:_MOST_NAMED])
    return f" ({listed}): needed are {_FORMS}; two folders of other names can be named one by one"
