"""Which files of a folder belong together; nothing is opened here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from piggygan.errors import DatasetError, PairError
from piggygan.files.regular import shown

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".npy", ".dcm"})
"""Names by which a folder is searched, in small or capital letters. What a file is, its content says."""

_MOST_NAMED = 10


@dataclass(frozen=True)
class PairFiles:
    """Where one pair lies.

    Attributes:
        name: What to call it: the stem of its image file.
        image: The image, or the one file that holds both halves side by side.
        mask: The mask; none where both halves are in ``image``.
        more_masks: Further masks, where each part has a file of its own, such as the right lung beside the left.

    Example:
        >>> pair = PairFiles("film 1", Path("images/film 1.dcm"), Path("masks/film 1.png"))
        >>> pair.mask.as_posix()
        'masks/film 1.png'
    """

    name: str
    image: Path
    mask: Path | None = None
    more_masks: tuple[Path, ...] = ()


def list_side_by_side(folder: str | Path, *, names: Collection[str] | None = None) -> list[PairFiles]:
    """List files that hold a pair each, left and right half, as pix2pix data sets do.

    Args:
        folder: Searched for the names of images (:data:`SUFFIXES`), not below it.
        names: Take these only: stems or whole file names.

    Returns:
        In the order of their names.

    Raises:
        DatasetError: If there is no such folder, or no such file in it.
        PairError: If a name is missing or not unique.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 3, 32, seed=0)
        ...     [pair.name for pair in list_side_by_side(folder, names=["000", "002.png"])]
        ['000', '002']
    """
    images = _chosen(files_by_stem(Path(folder)), names, Path(folder))
    return [PairFiles(stem, image) for stem, image in sorted(images.items())]


def list_images_with_masks(
    images_folder: str | Path, masks_folder: str | Path, *, names: Collection[str] | None = None
) -> list[PairFiles]:
    """List images and masks that have the same stem; the suffixes may differ.

    Args:
        images_folder: Searched for the names of images (:data:`SUFFIXES`), not below it.
        masks_folder: Likewise.
        names: Take these only: stems or whole names of images, such as one side of a ``splits.json``. Files that
            are not named need no partner.

    Returns:
        In the order of their names.

    Raises:
        DatasetError: If there is no such folder, or no such file in one.
        PairError: If a partner or a name is missing, or a stem is not unique.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_xrays(folder, 2, 32, seed=0)
        ...     (first, second) = list_images_with_masks(f"{folder}/images", f"{folder}/masks")
        >>> first.image.name, first.mask.name
        ('000.dcm', '000.png')
    """
    images_folder, masks_folder = Path(images_folder), Path(masks_folder)
    images = _chosen(files_by_stem(images_folder), names, images_folder)
    masks = files_by_stem(masks_folder)
    without_mask = sorted(images.keys() - masks.keys())
    if without_mask:
        raise PairError(
            f"{len(without_mask)} images have no mask of the same stem in {shown(masks_folder)}: "
            f"{_listed(without_mask)}. Add the masks, or list the complete pairs in names."
        )
    without_image = sorted(masks.keys() - images.keys()) if names is None else []
    if without_image:
        raise PairError(
            f"{len(without_image)} masks have no image of the same stem in {shown(images_folder)}: "
            f"{_listed(without_image)}. Add the images, or list the complete pairs in names."
        )
    return [PairFiles(stem, image, masks[stem]) for stem, image in sorted(images.items())]


def files_by_stem(folder: Path, suffixes: Collection[str] = SUFFIXES) -> dict[str, Path]:
    """Find the files of a folder whose names end in one of some suffixes.

    Args:
        folder: Where to look; not below it.
        suffixes: In small letters.

    Returns:
        The files by their stems, in the order of their names.

    Raises:
        DatasetError: If there is no such folder, or no such file in it.
        PairError: If two stems are alike.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DatasetError(
            f"Looked for images in {shown(folder)}: {error.strerror}. Give the folder that holds them."
        ) from error
    # Whatever bears such a name is listed, a broken link too: reading will refuse it, and it will be reported.
    files = [entry for entry in entries if entry.suffix.lower() in suffixes and not entry.name.startswith(".")]
    if not entries:
        raise DatasetError(f"{shown(folder)} is empty: put pictures there, or remove it.")
    if not files:
        raise DatasetError(
            f"{shown(folder)} has no file that ends in {', '.join(sorted(suffixes))}, but {len(entries)} other "
            f"entries; give the folder that holds the images, folders below it are not searched."
        )
    # "a.png" and "A.png" are one file on another file system, and "a.png" and "a.jpg" are two images of one name.
    counts = Counter(file.stem.casefold() for file in files)
    clashing = [file.name for file in files if counts[file.stem.casefold()] > 1]
    if clashing:
        raise PairError(
            f"{shown(folder)} has files whose stems are alike, if small and capital letters count as the same: "
            f"{_listed(clashing)}. Rename or remove all but one of each."
        )
    return {file.stem: file for file in files}


def _chosen(files: Mapping[str, Path], names: Collection[str] | None, folder: Path) -> dict[str, Path]:
    """Keep the files that ``names`` lists by stem or file name."""
    if names is None:
        return dict(files)
    if isinstance(names, str):
        names = [names]
    stems = {file.name: stem for stem, file in files.items()} | {stem: stem for stem in files}
    missing = sorted(name for name in set(names) if name not in stems)
    if missing:
        raise PairError(f"{len(missing)} of the names are not in {shown(folder)}: {_listed(missing)}.")
    return {stems[name]: files[stems[name]] for name in names}


def _listed(names: Collection[str]) -> str:
    listed = list(names)
    text = ", ".join(repr(name) for name in listed[:_MOST_NAMED])
    more = len(listed) - _MOST_NAMED
    return f"{text} and {more} more" if more > 0 else text
