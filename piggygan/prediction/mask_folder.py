"""Masks that are there already: what predicting wrote, or any folder of them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from piggygan.data.folders import SUFFIXES
from piggygan.errors import CorruptFileError, DatasetError, PredictionError
from piggygan.files.regular import read_regular_file, shown
from piggygan.files.strict_json import decode, parse_json
from piggygan.prediction.findings import Finding
from piggygan.prediction.outputs import SUMMARY

_LARGEST_SUMMARY = 1 << 30
_INSIDE = re.compile(r"masks/[^/\\]+\.png")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class MaskFile:
    """One mask.

    Attributes:
        name: What it is called, without a suffix.
        path: Where it is.
        film: Path of the film that it was predicted of, as the summary says it; None: nobody says it.
        digest: SHA-256 of that film's bytes, likewise.
        findings: What was found out about it when it was predicted.
    """

    name: str
    path: Path
    film: str | None = None
    digest: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        """What masks of one film in two folders have in common: the digest of the film, or else their name."""
        return self.digest or self.name


@dataclass(frozen=True)
class MaskFolder:
    """A folder of masks.

    Attributes:
        folder: Where it is.
        masks: In order.
        task: Which task predicted them; None: not said.
        certificate: Digest of that task's tensors, likewise.
    """

    folder: Path
    masks: tuple[MaskFile, ...]
    task: str | None = None
    certificate: str | None = None


def open_masks(folder: str | os.PathLike[str]) -> MaskFolder:
    """List the masks of a folder.

    Args:
        folder: What :func:`piggygan.predict` wrote, or a folder of masks, or one that has them in ``masks``.

    Raises:
        DatasetError: If there is no mask in it.
        PredictionError: If its summary is not one, or says that no masks were made.
    """
    folder = Path(folder)
    try:
        content = read_regular_file(folder / SUMMARY, max_size=_LARGEST_SUMMARY)
    except (FileNotFoundError, NotADirectoryError):
        return _plain(folder)
    except CorruptFileError as error:
        raise PredictionError(str(error)) from error
    try:
        return _predicted(folder, parse_json(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PredictionError(
            f"{shown(folder / SUMMARY)} is not what predicting writes: give the folder that it wrote, unchanged."
        ) from error


def _predicted(folder: Path, said: Any) -> MaskFolder:
    if said["kind"] != "mask":
        raise PredictionError(f"{shown(folder)} holds pictures; needed are masks, of a task that makes these.")
    masks = []
    for file in said["predicted"]:
        inside, digest = file["outputs"]["masks"], file["sha256"]
        if not (_INSIDE.fullmatch(inside) and _DIGEST.fullmatch(digest)):
            raise ValueError("a path that leads out of the folder")
        findings = tuple(decode(Finding, finding, "the finding") for finding in file.get("findings", ()))
        masks.append(MaskFile(Path(inside).stem, folder / inside, str(file["source"]), digest, findings))
    return MaskFolder(folder, tuple(masks), str(said["task"]), str(said["certificate"]))


def _plain(folder: Path) -> MaskFolder:
    place = folder / "masks" if (folder / "masks").is_dir() else folder
    try:
        entries = sorted(place.iterdir())
    except OSError as error:
        raise DatasetError(f"Looked for masks in {shown(place)}: {error.strerror}.") from error
    masks: dict[str, MaskFile] = {}
    for path in entries:
        if path.suffix.lower() in SUFFIXES - {".dcm"} and not path.name.startswith("."):
            if path.stem in masks:
                raise DatasetError(f"{shown(place)} has two masks of the name {path.stem!r}: which is meant?")
            masks[path.stem] = MaskFile(path.stem, path)
    if not masks:
        raise DatasetError(f"{shown(place)} has no masks; give what predict wrote, or a folder of pictures of masks.")
    return MaskFolder(folder, tuple(masks.values()))
