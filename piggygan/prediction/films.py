"""One file, read and brought to the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch import Tensor

from piggygan.data.dicom.description import DicomDescription, DicomRequirements
from piggygan.data.dicom.image import is_dicom_file
from piggygan.data.dicom.source import Identify, SourceImage
from piggygan.data.framing import Placement
from piggygan.data.image_file import ImageFile, read_image_file
from piggygan.data.untrusted.reader import UntrustedReader
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.png import one_band, preview_of
from piggygan.prediction.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

RADIOGRAPHS = ("CR", "DX")
_SIDE_BY_SIDE = (
    "A picture is exactly twice as wide as high, as pictures of pairs side by side are: if it is one, cut it in the "
    "middle and predict the half that is the input."
)

_LEFT_OUT = "Of the patient and study these elements are not as DICOM has them, and segmentations leave them empty: {}."


@dataclass(frozen=True)
class Film:
    """What is kept of a file while it is predicted: not its own pixels, which may be many.

    Attributes:
        file: The file.
        digest: SHA-256 of the bytes that everything else here was read from.
        placement: Where it lies on the canvas.
        canvas: What the network gets.
        preview: What an overlay is drawn on.
        source: What a DICOM segmentation refers to; none where none is made.
        remarks: What is odd about it.
        description: What a DICOM file says of it.
    """

    file: InputFile
    digest: str
    placement: Placement
    canvas: Float[Tensor, "channels height width"]
    preview: UInt8[np.ndarray, "height width 3"]
    source: SourceImage | None
    remarks: tuple[str, ...]
    description: DicomDescription | None = None


class Reading(Protocol):
    """Where files are opened: in this process or another."""

    def read_file(self, path: Path, channels: int, *, requirements: DicomRequirements, identify: Identify) -> ImageFile:
        """Open a file once and read it, as :func:`~piggygan.data.image_file.read_image_file` does."""

    def is_dicom(self, path: Path) -> bool:
        """Say by its first bytes whether a file is DICOM."""


class _ReadingHere:
    """Opens files in this process."""

    def read_file(self, path: Path, channels: int, *, requirements: DicomRequirements, identify: Identify) -> ImageFile:
        return read_image_file(path, channels, requirements=requirements, identify=identify)

    def is_dicom(self, path: Path) -> bool:
        return is_dicom_file(path)


class _ReadingUnderPseudonyms:
    """Opens files elsewhere, and knows films by their pseudonyms only."""

    def __init__(self, reading: Reading, pseudonyms: Pseudonyms) -> None:
        self._reading, self._pseudonyms = reading, pseudonyms

    def read_file(self, path: Path, channels: int, *, requirements: DicomRequirements, identify: Identify) -> ImageFile:
        file = self._reading.read_file(path, channels, requirements=requirements, identify=identify)
        return file if file.source is None else replace(file, source=self._pseudonyms.of_source(file.source))

    def is_dicom(self, path: Path) -> bool:
        return self._reading.is_dicom(path)


@contextmanager
def reading(options: PredictionOptions) -> Iterator[Reading]:
    """Choose where files are opened; a process of its own begins to start at once."""
    pseudonyms = None if options.patient_key is None else Pseudonyms.of_key_file(options.patient_key)
    with _opening(options) as reading:
        yield reading if pseudonyms is None else _ReadingUnderPseudonyms(reading, pseudonyms)


@contextmanager
def _opening(options: PredictionOptions) -> Iterator[Reading]:
    if not options.untrusted:
        yield _ReadingHere()
        return
    with UntrustedReader() as reader:
        reader.start()
        yield reader


def read_film(file: InputFile, job: Job, reading: Reading) -> Film:
    """Read a file as it is read for training, upright; it is opened once.

    Args:
        file: A picture or a DICOM film.
        job: What it is read for, what is required of it, and whether a DICOM segmentation will have to refer to it.
        reading: Where it is opened.

    Raises:
        ImageError: If it cannot be read or referred to, or is not what is required.
    """
    options = job.options
    wanted = options.body_part is not None
    found = reading.read_file(
        file.path,
        job.in_channels,
        requirements=DicomRequirements(body_part=options.body_part, modalities=RADIOGRAPHS if wanted else ()),
        identify=_wanted(options) if job.kind == "mask" else "nothing",
    )
    rows, columns = found.picture.shape[-2:]
    left_out = found.source is not None and found.source.identity is not None and found.source.identity.left_out
    is_like_a_pair = found.kind != "DICOM" and columns == 2 * rows and options.fit != "tile"
    placement = job.placement(rows, columns, found.aspect)
    return Film(
        file=file,
        digest=found.digest,
        placement=placement,
        canvas=placement.place(one_band(found.picture)).expand(job.in_channels, -1, -1),
        preview=preview_of(found.picture, found.aspect),
        source=found.source,
        remarks=(
            *found.remarks,
            *([_SIDE_BY_SIDE] if is_like_a_pair else []),
            *([_LEFT_OUT.format(", ".join(left_out))] if left_out else []),
        ),
        description=found.film,
    )


def _wanted(options: PredictionOptions) -> Identify:
    """Say what has to be known of a film for what is made of it: nothing that is not written."""
    if not options.dicom_seg:
        return "nothing"
    return "image" if options.patient == "empty" else "patient"
