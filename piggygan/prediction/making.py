"""Maker: a film read, and its files made and written to disk, where they wait for their names."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pydicom
from torch import Tensor

from piggygan.data.quiet import without_warnings
from piggygan.errors import PiggyganError
from piggygan.files.regular import shown
from piggygan.prediction.films import Film, Reading, read_film
from piggygan.prediction.findings import Finding
from piggygan.prediction.folder import unwritable
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.journal import FilmRecord, now
from piggygan.prediction.results import Products, products_of
from piggygan.prediction.summary import PredictedFile, RefusedFile

_OF_ITS_NAME = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ENOTDIR, errno.EISDIR)
_SOP_INSTANCE = 0x00080018


@dataclass(frozen=True)
class Opened:
    """A film, and what its file was just before it was opened.

    Attributes:
        film: The film.
        size: Bytes.
        modified: When it was last written to, in nanoseconds.
        began: When it was begun with, of :func:`time.monotonic`.
    """

    film: Film
    size: int
    modified: int
    began: float


@dataclass(frozen=True)
class Made:
    """A film whose files are on disk, without their names.

    Attributes:
        record: What the journal says of it.
        staged: Names in the staging folder, by the paths that they will have in the output folder.
    """

    record: FilmRecord
    staged: dict[str, str]


class Maker:
    """Reads films and makes their files; whatever goes wrong with one film is the end of that film.

    Args:
        job: What is asked of each.
        reading: Where files are opened.
        staging: Folder for what is made.
    """

    def __init__(self, job: Job, reading: Reading, staging: Path) -> None:
        self._job = job
        self._reading = reading
        self._staging = staging
        self._written = 0

    def read(self, file: InputFile) -> Opened | RefusedFile:
        """Read a film."""
        began = time.monotonic()
        try:
            # Before it is opened: one that is exchanged in between then does not look as it was when it is asked again.
            status = file.path.stat()
            size, modified = status.st_size, status.st_mtime_ns
        except (OSError, ValueError):
            size, modified = -1, -1  # whoever opens it says why
        try:
            return Opened(read_film(file, self._job, self._reading), size, modified, began)
        except Exception as error:
            return refused(file, error)

    def make(
        self, opened: Opened, output: Tensor | Exception, findings: tuple[Finding, ...] = ()
    ) -> Made | RefusedFile:
        """Make the files of a film, and write them durably.

        Args:
            opened: The film.
            output: What the network gave; or what went wrong with it.
            findings: What was found out about the film so far.

        Raises:
            PredictionError: If nothing more can be written.
        """
        film = opened.film
        if isinstance(output, Exception):
            return refused(film.file, output)
        try:
            products = products_of(film, output, self._job.kind, self._job.options, self._job.algorithm)
        except Exception as error:
            return refused(film.file, error)
        staged: dict[str, str] = {}
        for inside, content in products.contents.items():
            try:
                staged[inside] = self._write(content)
            except OSError as error:
                raise unwritable(self._staging.parent / inside, error) from error
        return Made(self._record(opened, products, findings), staged)

    def _record(self, opened: Opened, products: Products, findings: tuple[Finding, ...]) -> FilmRecord:
        film = opened.film
        kinds = {inside.split("/")[0]: inside for inside in products.contents}
        file = PredictedFile(
            source=str(film.file.path),
            outputs=kinds,
            rows=products.rows,
            columns=products.columns,
            foreground=products.foreground,
            sha256=products.sha256,
            remarks=products.remarks,
            digests={kind: hashlib.sha256(products.contents[inside]).hexdigest() for kind, inside in kinds.items()},
            instances=_instances(film, products),
            findings=(*findings, *products.findings),
            at=now(),
        )
        return FilmRecord(file, film.file.name, opened.size, opened.modified, round(time.monotonic() - opened.began, 3))

    def _write(self, content: bytes) -> str:
        self._written += 1
        name = f"{os.getpid()}-{self._written}"
        path = self._staging / name
        try:
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return name


def refused(file: InputFile, error: Exception) -> RefusedFile:
    """Say what was wrong with a file; of errors that nobody foresaw the kind, since their texts may quote a name."""
    reason = str(error)
    if not isinstance(error, PiggyganError):
        reason = f"{shown(file.path)} cannot be predicted: that failed ({type(error).__name__})."
    return RefusedFile(str(file.path), type(error).__name__, " ".join(reason.split()))


def is_of_its_name(error: OSError) -> bool:
    """Say whether it is an output's name that a file system does not take, so that others can be written."""
    return error.errno in _OF_ITS_NAME


def _instances(film: Film, products: Products) -> dict[str, str]:
    """Name the DICOM instances of a film and of what was made of it."""
    made = [content for inside, content in products.contents.items() if inside.startswith("segmentations/")]
    if film.source is None or not made:
        return {}
    with without_warnings():
        segmentation = pydicom.dcmread(io.BytesIO(made[0]), specific_tags=[_SOP_INSTANCE])
    return {"source": film.source.sop_instance, "segmentations": str(segmentation.SOPInstanceUID)}
