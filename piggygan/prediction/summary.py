"""What came of a prediction, file by file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from piggygan.about import INTENDED_USE, __version__
from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import PassedBy
from piggygan.prediction.options import Kind, PredictionOptions


@dataclass(frozen=True)
class PredictedFile:
    """A file that was predicted.

    Attributes:
        source: Its path, as it was given or found.
        outputs: What was written of it, by kind (``masks``, ``overlays``, ``pictures``, ``segmentations``): paths
            inside the output folder.
        rows: Of the file and of every output but the overlay.
        columns: Likewise.
        foreground: Share of the mask that is foreground, 0..1; None for pictures.
        sha256: Of the bytes that were predicted: the file may have been exchanged since.
        remarks: What was odd about the file.
        findings: What was found out about the film; each name once.

    Example:
        >>> file = PredictedFile("films/1.png", {"masks": "masks/1.png"}, 2500, 2048, 0.21, "9f86d081", ())
        >>> file.outputs["masks"], file.rows, file.columns
        ('masks/1.png', 2500, 2048)
    """

    source: str
    outputs: dict[str, str]
    rows: int
    columns: int
    foreground: float | None
    sha256: str
    remarks: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class RefusedFile:
    """A file that could not be predicted; nothing was written of it.

    Attributes:
        source: Its path, as it was given or found.
        error: Kind of the error: a class of :mod:`piggygan.errors`, or whatever else went wrong with this file.
        reason: What was wrong, and what to do; no patient attribute is in it.

    Example:
        >>> RefusedFile("films/2.dcm", "DicomError", "it is cut off after 40 rows").error
        'DicomError'
    """

    source: str
    error: str
    reason: str


@dataclass(frozen=True)
class PredictionSummary:
    """What came of a prediction.

    Attributes:
        task: Which task predicted.
        certificate: Digest of the task's tensors, as the registry certifies it.
        kind: What the task makes.
        options: How it was applied.
        predicted: Files that were, in order.
        refused: Files that could not be, in order.
        passed_by: What else there is in the folders that were given.

    Example:
        >>> refused = RefusedFile("films/2.dcm", "DicomError", "it is cut off after 40 rows")
        >>> summary = PredictionSummary("lungs", "9f86d081", "mask", PredictionOptions(), (), (refused,))
        >>> summary.as_dict()["refused"]
        ({'source': 'films/2.dcm', 'error': 'DicomError', 'reason': 'it is cut off after 40 rows'},)
    """

    task: str
    certificate: str
    kind: Kind
    options: PredictionOptions
    predicted: tuple[PredictedFile, ...]
    refused: tuple[RefusedFile, ...]
    passed_by: tuple[PassedBy, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON, with the version and the intended use."""
        return {"piggygan": __version__, "intended_use": INTENDED_USE, **asdict(self)}

    def to_json(self) -> str:
        """Write it as JSON in ASCII: names that are no text are escaped."""
        return json.dumps(self.as_dict(), indent=2) + "\n"
