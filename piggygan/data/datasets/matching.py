"""Which images and targets of several folders belong together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from piggygan.data.datasets.folder import Listing
from piggygan.data.decoded import SkippedFile
from piggygan.data.folders import PairFiles
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

_MOST_COMPARED = 10
_ENDING = re.compile(r"[_\-. ][A-Za-z]+\Z")


def match(images: Mapping[str, Path], targets: Mapping[str, Mapping[str, Path]]) -> Listing:
    """Match each image with one target of every kind.

    Args:
        images: By stem.
        targets: For each kind, such as "left mask", the files by the stem of their image. The first is the mask of
            the pair, the others are further ones.
    """
    files: list[PairFiles] = []
    incomplete: list[SkippedFile] = []
    for stem, image in sorted(images.items()):
        missing = [kind for kind, found in targets.items() if stem not in found]
        if missing:
            incomplete.append(SkippedFile(stem, f"has no {' and no '.join(missing)}"))
            continue
        first, *others = (found[stem] for found in targets.values())
        files.append(PairFiles(stem, image, first, tuple(others)))
    for kind, found in targets.items():
        incomplete += [SkippedFile(stem, f"has a {kind} and no image") for stem in sorted(found.keys() - images.keys())]
    return Listing(files, incomplete)


def match_names(images: Mapping[str, Path], targets: Mapping[str, Path], kind: str) -> Listing:
    """Match images and targets by their names, which may each have one ending of their own, such as ``_mask``.

    An ending is taken off only if no names are equal with it, all files of the folder have it, and every file has its
    partner without it.

    Args:
        images: By stem.
        targets: By stem.
        kind: What a target is called.

    Example:
        >>> listing = match_names({"a": Path("a.jpg")}, {"a_mask": Path("a_mask.png")}, "mask")
        >>> listing.files[0].mask.name, listing.remarks
        ('a_mask.png', ("Names of masks end in '_mask'.",))
    """
    if images.keys() & targets.keys():
        return _with_nearest(match(images, {kind: targets}), images, targets)
    endings = _common_ending(images), _common_ending(targets)
    plain = [
        {stem.removesuffix(ending): path for stem, path in found.items()}
        for found, ending in zip((images, targets), endings, strict=True)
    ]
    if plain[0].keys() != plain[1].keys():
        return _with_nearest(match(images, {kind: targets}), images, targets)
    remarks = [
        f"Names of {what}s end in {ending!r}." for what, ending in zip(("image", kind), endings, strict=True) if ending
    ]
    return match(plain[0], {kind: plain[1]})._replace(remarks=tuple(remarks))


def _common_ending(stems: Iterable[str]) -> str:
    endings = {found[0] if (found := _ENDING.search(stem)) else "" for stem in stems}
    return endings.pop() if len(endings) == 1 else ""


def _with_nearest(listing: Listing, images: Mapping[str, Path], targets: Mapping[str, Path]) -> Listing:
    """Add the nearest name that is left to the first images without a target."""
    left = sorted(targets.keys() - images.keys())
    named = []
    for name, reason in listing.incomplete[:_MOST_COMPARED]:
        near = difflib.get_close_matches(name, left, n=1) if name in images else []
        named.append(SkippedFile(name, f"{reason}; the nearest name is {near[0]!r}" if near else reason))
    return listing._replace(incomplete=[*named, *listing.incomplete[_MOST_COMPARED:]])


def first_folder(folder: Path, candidates: Iterable[str], needed: str) -> Path:
    """Find the first folder that is there.

    Args:
        folder: Where to look.
        candidates: Relative paths, ``"."`` for the folder itself.
        needed: What the folder is, for the message.

    Raises:
        DatasetError: If none is there.
    """
    for candidate in candidates:
        if (folder / candidate).is_dir():
            return folder / candidate
    raise DatasetError(
        f"Looked in {shown(folder)} for {needed}: there is no {' or '.join(candidates)}. Give the folder as its "
        f"publisher ships it."
    )
