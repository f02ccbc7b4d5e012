"""The subcommand that measures what was predicted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, REFUSED, AsJson, show_error, show_result
from piggygan.cli.predict import NAMED
from piggygan.prediction import Patient
from piggygan.prediction.measure_films import TABLE, MeasureOptions, measure
from piggygan.prediction.measurements import Measurements
from piggygan.terminal.about import INTENDED_USE

Lungs = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LUNGS")]
Plainly = Annotated[MeasureOptions, tyro.conf.arg(name="")]


@dataclass(frozen=True)
class Measure:
    """Measure masks of lungs: areas in pixels and square millimetres, and with hearts the cardiothoracic ratio.

    LUNGS is what piggygan predict wrote for a task of lungs, or a folder of masks of lungs. Writes measurements.csv and
    summary.json and, with --dicom-sr, a DICOM Structured Report of each DICOM film.

    Exit code: 0; 2 if nothing was measured, and then nothing is written.
    """

    lungs: Lungs
    """Masks of lungs."""
    out: Path
    """Folder for what is made; it must be new or empty."""
    hearts: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Masks of hearts of the same films."""
    options: Plainly = field(default_factory=MeasureOptions)
    """What is written besides."""
    json: AsJson = False

    def run(self) -> int:
        """Measure, and print what came of it."""
        found = measure(self.lungs, self.out, hearts=self.hearts, options=self.options)
        show_error(INTENDED_USE)
        show_result(_lines(found, self.out, self.options.patient), found.as_dict(), self.json)
        return DONE if found.measured else REFUSED


def _lines(found: Measurements, out: Path, patient: Patient) -> list[str]:
    lines = [f"refused: {one.name!r}: {one.reason}" for one in found.refused]
    remarks = [one for one in found.measured if one.remark]
    if remarks:
        more = f" and {len(remarks) - 1} more" if len(remarks) > 1 else ""
        lines.append(f"note: {remarks[0].name!r}{more}: {remarks[0].remark}")
    ratios = [one.cardiothoracic_ratio for one in found.measured if one.cardiothoracic_ratio is not None]
    if ratios:
        lines.append(f"cardiothoracic ratio of {len(ratios)} films: {min(ratios):.3f} to {max(ratios):.3f}, "
                     f"median {median(ratios):.3f}")  # fmt: skip
    if found.reports:
        lines.append(f"{found.reports} DICOM reports {NAMED[patient]}")
    known = sum(one.lung_mm2 is not None for one in found.measured)
    where = repr(str(out / TABLE)) if found.measured else "nothing is written"
    lines.append(f"{len(found.measured)} measured, {known} of them in mm2, {len(found.refused)} refused: {where}")
    return lines
