"""What was measured on films, as a table and as plain values."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from piggygan.terminal.about import INTENDED_USE, __version__


@dataclass(frozen=True)
class Measured:
    """Numbers of one film; None: not asked for, or the film or its masks do not say.

    Attributes:
        name: What its mask is called.
        lung_pixels: Area of the lungs' shadow in pixels.
        lung_mm2: The same in square millimetres.
        heart_pixels: Area of the heart's shadow in pixels.
        heart_mm2: The same in square millimetres.
        thoracic_width: Of the chest inside, in pixels.
        heart_width: In pixels.
        cardiothoracic_ratio: The latter divided by the former.
        pixel_height_mm: Of a pixel.
        pixel_width_mm: Of a pixel.
        spacing_from: Which element of the film these are from.
        expected_dice: What the Dice of the lungs' mask is expected to be, as predicting said.
        disagreement: How far members of an ensemble disagreed about it, likewise.
        remark: Why something is missing.

    Example:
        >>> Measured("film", lung_pixels=320, cardiothoracic_ratio=0.5).lung_mm2 is None
        True
    """

    name: str
    lung_pixels: int
    lung_mm2: float | None = None
    heart_pixels: int | None = None
    heart_mm2: float | None = None
    thoracic_width: int | None = None
    heart_width: int | None = None
    cardiothoracic_ratio: float | None = None
    pixel_height_mm: float | None = None
    pixel_width_mm: float | None = None
    spacing_from: str | None = None
    expected_dice: float | None = None
    disagreement: float | None = None
    remark: str = ""


@dataclass(frozen=True)
class Unmeasured:
    """A film that could not be measured.

    Attributes:
        name: What its mask is called.
        error: Kind of the error.
        reason: What was wrong.
    """

    name: str
    error: str
    reason: str


@dataclass(frozen=True)
class Measurements:
    """All that was measured.

    Attributes:
        lungs: Task that predicted the lungs, if the folder says so, and the digest of its tensors.
        hearts: Likewise of the hearts.
        measured: Films, in order.
        refused: Films that could not be measured.
        reports: How many DICOM Structured Reports were written.

    Example:
        >>> found = Measurements(("lungs", "9f86d081"), None, (Measured("film", 320, 51.2),), ())
        >>> found.to_csv().decode().splitlines()[1]
        'film,320,51.2,,,,,,,,,,,'
    """

    lungs: tuple[str | None, str | None]
    hearts: tuple[str | None, str | None] | None
    measured: tuple[Measured, ...]
    refused: tuple[Unmeasured, ...]
    reports: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON, with the version and the intended use."""
        return {"piggygan": __version__, "intended_use": INTENDED_USE, **asdict(self)}

    def to_json(self) -> bytes:
        """Write it as JSON in ASCII."""
        return (json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n").encode("ascii")

    def to_csv(self) -> bytes:
        """Write a row a film that was measured; an empty cell is not known."""
        file = io.StringIO(newline="")
        rows = csv.writer(file)
        rows.writerow([field.name for field in fields(Measured)])
        for one in self.measured:
            rows.writerow(["" if value is None else value for value in asdict(one).values()])
        return file.getvalue().encode("utf-8", errors="surrogateescape")
