"""Which images and targets of several folders belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from piggygan.data.datasets.folder import Listing
from piggygan.data.decoded import SkippedFile
from piggygan.data.folders import PairFiles
from piggygan.errors import DatasetError
from piggygan.files.regular import shown


def match(images: Mapping[str, Path], targets: Mapping[str, Mapping[str, Path]]) -> Listing:
    """Match each image with one target of every kind.

    Args:
        images: By stem.
        targets: For each kind, such as "left mask", the files by the stem of their image. The first is the mask of
            the pair, the others are further ones.
    """
    files, incomplete = [], []
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
