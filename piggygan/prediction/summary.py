"""What came of a prediction, file by file, and of which runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import PassedBy
from piggygan.prediction.options import Kind, PredictionOptions
from piggygan.terminal.about import INTENDED_USE, __version__


@dataclass(frozen=True)
class PredictedFile:
    """A file that was predicted.

    Attributes:
        source: Its path, as it was given or found.
        outputs: What was written of it, by kind (``masks``, ``overlays``, ``pictures``, ``segmentations``,
            ``disagreement``): paths inside the output folder.
        rows: Of the file and of every output but the overlay.
        columns: Likewise.
        foreground: Share of the mask that is foreground, 0..1; None for pictures.
        sha256: Of the bytes that were predicted: the file may have been exchanged since.
        remarks: What was odd about the file.
        findings: What was found out about the film; each name once.
        digests: SHA-256 of each output, by kind.
        instances: SOP Instance UID of the film (``source``) and of what was written of it (``segmentations``), if a
            segmentation was made.
        at: When it was written, ISO 8601 in UTC.

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
    digests: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    at: str = field(default="", compare=False)


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
class PredictionRun:
    """One start of the command; a prediction that was killed has several.

    Attributes:
        began: ISO 8601 in UTC.
        ended: Likewise; None: it was killed, or it stopped before the end.
        registry: SHA-256 of the registry's head, ``registry.json``, when it began.
        torch: Version of PyTorch.
        threads: That the network was computed with.
        workers: Processes that read and wrote beside it.
        part: Which part of the films, such as ``3/8``; None: all.

    Example:
        >>> PredictionRun("2026-11-27T10:00:00+00:00", None, "sha256:9f86d081", "2.13.0", 2, 2, "3/8").ended is None
        True
    """

    began: str
    ended: str | None
    registry: str
    torch: str
    threads: int
    workers: int
    part: str | None


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
        network: Which of several networks predicted.
        runs: Each start, in order.
        members: Of an ensemble the digest of each member's tensors, by name; the certificate is the SHA-256 of these.
        review: Films whose mask is expected to have a Dice below what ``review_below`` asks for, the worst first.

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
    network: str | None = None
    runs: tuple[PredictionRun, ...] = ()
    members: dict[str, str] = field(default_factory=dict)
    review: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON, with the version and the intended use."""
        return {"piggygan": __version__, "intended_use": INTENDED_USE, **asdict(self)}

    def to_json(self) -> str:
        """Write it as JSON in ASCII: names that are no text are escaped."""
        return json.dumps(self.as_dict(), indent=2) + "\n"
