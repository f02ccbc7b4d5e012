"""One look at every file of a task: its digest, its channels, and whose film it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from piggygan.data.content import read_content
from piggygan.data.dicom.header import is_dicom_head
from piggygan.data.dicom.patient import patient_digest
from piggygan.data.folders import PairFiles
from piggygan.data.pictures.outline import picture_outline
from piggygan.errors import ImageError


@dataclass(frozen=True)
class SurveyedFile:
    """What is known of a file without decoding it.

    Attributes:
        digest: SHA-256 of its bytes.
        bands: How many channels there are to see; None of what is no picture, or broken.
        patient: A digest of what a DICOM film says whose it is.
    """

    digest: str
    bands: int | None = None
    patient: str | None = None


def survey(files: Collection[PairFiles]) -> dict[Path, SurveyedFile]:
    """Look at every file of some pairs; one that cannot be opened is not in the result: reading will say why."""
    paths = list(dict.fromkeys(path for pair in files for path in paths_of(pair)))
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        found = zip(paths, pool.map(_surveyed, paths), strict=True)
        return {path: file for path, file in found if file is not None}


def paths_of(files: PairFiles) -> tuple[Path, ...]:
    """List all files of a pair."""
    return tuple(path for path in (files.image, files.mask, *files.more_masks) if path is not None)


def fingerprint_of(sides: Mapping[str, Sequence[PairFiles]], surveyed: Mapping[Path, SurveyedFile]) -> str:
    """Make 64 hexadecimal digits that are equal where sides, names and bytes are."""
    made = hashlib.sha256()
    for side, files in sorted(sides.items()):
        for pair in sorted(files, key=lambda pair: pair.name):
            digests = [surveyed[path].digest if path in surveyed else "" for path in paths_of(pair)]
            made.update(repr((side, pair.name, digests)).encode())
    return made.hexdigest()


def _surveyed(path: Path) -> SurveyedFile | None:
    try:
        content = read_content(path)
    except ImageError:
        return None
    digest = hashlib.sha256(content).hexdigest()
    if is_dicom_head(content):
        return SurveyedFile(digest, 1, patient_digest(content))
    try:
        outline = picture_outline(content)
    except Exception:  # whatever is wrong with it, reading it will say so
        return SurveyedFile(digest)
    return SurveyedFile(digest, None if outline is None else outline.bands)
