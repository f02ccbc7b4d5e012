"""The JSRT chest X-rays with the lung masks of SCR: raw films of 12 bits, masks as GIF."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from piggygan.data.content import MAX_PIXELS, check_size, failures_named, read_content
from piggygan.data.datasets.description import Description
from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.matching import first_folder, match
from piggygan.data.folders import SUFFIXES, files_by_stem
from piggygan.data.mask_reader import MaskReader
from piggygan.data.masks import mask_of
from piggygan.data.quiet import without_warnings
from piggygan.errors import ImageError, PairError
from piggygan.files.regular import open_regular, shown

if TYPE_CHECKING:
    from jaxtyping import Float

RAW_SIDE = 2048
_DARKEST = 4095
_RAW = ".img"
_FOLDS = ("fold1", "fold2")


class Jsrt(DatasetFolder):
    """A folder with ``All247images`` (or ``images``), and SCR's ``fold1`` and ``fold2`` in it or in ``scratch``.

    Films are the publisher's raw files (``.IMG``) or PNG files made of them; the target is the left and the right
    lung. SCR's masks have half the side of a film. Each film is of another patient; the folds are SCR's own sides.

    Example:
        >>> lungs = Jsrt("JSRT").pairs(256, channels=1)  # doctest: +SKIP
    """

    name: ClassVar[str] = "jsrt"
    description: ClassVar[Description] = Description(
        title="JSRT digital image database with SCR masks",
        source="films: http://db.jsrt.or.jp/eng.php; masks: https://www.isi.uu.nl/Research/Databases/SCR/",
        terms="JSRT asks for registration and non-commercial use; SCR: research and education, not to be passed on",
        citation=(
            "J. Shiraishi et al., AJR 174 (2000) 71-74; "
            "B. van Ginneken, M. B. Stegmann, M. Loog, Medical Image Analysis 10 (2006) 19-40"
        ),
        images=247,
        pairs=247,
        sides={"fold1": 124, "fold2": 123},
    )

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return any((folder / place / "fold1" / "masks").is_dir() for place in (".", "scratch"))

    @classmethod
    def reader(cls, channels: int = 3) -> RawFilmReader:
        """Say how a film and its masks are read."""
        return RawFilmReader(channels)

    @property
    def sides(self) -> dict[str, list[str]]:
        """The two folds of SCR."""
        sides: dict[str, list[str]] = {fold: [] for fold in _FOLDS}
        for files in self.files:
            if files.mask is not None:
                sides[files.mask.parents[2].name].append(files.name)
        return {fold: names for fold, names in sides.items() if names}

    def _list(self) -> Listing:
        films = files_by_stem(
            first_folder(self.folder, ("All247images", "images"), "the films of JSRT"), {_RAW, *SUFFIXES}
        )
        root = first_folder(self.folder, ("fold1", "scratch/fold1"), "SCR's masks").parent
        return match(films, {f"{side} mask": _masks(root, f"{side} lung") for side in ("left", "right")})


def _masks(root: Path, part: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for fold in _FOLDS:
        if (root / fold / "masks").is_dir():
            masks = files_by_stem(root / fold / "masks" / part, {".gif"})
            if twice := sorted(masks.keys() & found.keys()):
                raise PairError(f"{shown(root)} has a {part} of {twice[0]!r} in both folds; a film is in one of them.")
            found |= masks
    return found


@dataclass(frozen=True)
class RawFilmReader(MaskReader):
    """Reads a film of JSRT as the input and the union of its SCR masks as the target."""

    scale: int = 2

    def read_input(self, path: Path) -> Float[Tensor, "channels height width"]:
        """Read a raw film, or a PNG made of one."""
        if path.suffix.lower() != _RAW:
            return super().read_input(path)
        return read_raw_film(path).expand(self.channels, -1, -1)

    def read_part(self, path: Path) -> Float[Tensor, "1 height width"]:
        """Read one of the masks."""
        return read_gif_mask(path)


def read_raw_film(path: str | Path) -> Float[Tensor, "1 2048 2048"]:
    """Read a raw film of JSRT as numbers in [-1, 1].

    Such a file has no header: 2048 rows of 2048 big-endian numbers of 16 bits, of which 12 are used. They are optical
    densities, so 0 is the brightest.

    Args:
        path: The file.

    Raises:
        ImageError: If it cannot be read, has another size, or values of more than 12 bits.
    """
    path = Path(path)
    size = 2 * RAW_SIDE * RAW_SIDE
    with open_regular(path) as file:
        found = os.fstat(file.fileno()).st_size
        content = file.read(size) if found == size else b""
    if len(content) != size:
        raise ImageError(f"{shown(path)} has {found} bytes; a raw film of JSRT has {size}, 2048 x 2048 of 16 bits.")
    densities = np.frombuffer(content, dtype=">u2").reshape(1, RAW_SIDE, RAW_SIDE)
    if densities.max() > _DARKEST:
        raise ImageError(
            f"{shown(path)} has values up to {int(densities.max())}; a raw film of JSRT has 12 bits, big-endian."
        )
    return torch.from_numpy(1.0 - densities.astype(np.float32) * np.float32(2.0 / _DARKEST))


def read_gif_mask(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Float[Tensor, "1 height width"]:
    """Read a GIF mask: -1 where the file has 0, and 1 where it has its one other value.

    Args:
        path: The file.
        max_pixels: Masks with more pixels are refused before they are decoded.

    Raises:
        MaskError: If there are more values than 0 and one other.
        ImageError: If the file is no GIF, cut or corrupt.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
    """
    path = Path(path)
    with failures_named(path):
        content = read_content(path, max_pixels=max_pixels)
        try:
            with without_warnings():
                image = Image.open(BytesIO(content), formats=["GIF"])
                check_size(path, *image.size, max_pixels)
                values = np.asarray(image)
        except (ImageError, MemoryError):
            raise
        except Exception as error:  # what Pillow raises on broken files is no promise
            raise ImageError(
                f"{shown(path)} is no GIF image, or is cut or corrupt ({type(error).__name__})."
            ) from error
    if values.ndim != 2:
        raise ImageError(f"{shown(path)} is in colour; a mask of SCR has one value a pixel.")
    return mask_of(values, path)
