"""The subcommand that predicts files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.about import INTENDED_USE
from piggygan.cli.commands import DONE, REFUSED, AsJson, RegistryFolder, show_error, show_result
from piggygan.cli.option_names import as_options
from piggygan.cli.trust import Required, Requirements
from piggygan.prediction import Patient, PredictionOptions, PredictionSummary, predict
from piggygan.prediction.judging import AS_REQUIRED

_NAMED: dict[Patient, str] = {
    "copy": "name the patient and study of their films: treat them as the films. --patient empty names nobody.",
    "empty": "name no patient: an archive files them apart from their films.",
    "pseudonym": "name pseudonyms and other UIDs than their films: an archive files them apart from these.",
}
INCOMPLETE = 1
"""Exit code of a run that was to be complete and was not."""

Files = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILES|FOLDER")]
Plainly = Annotated[PredictionOptions, tyro.conf.arg(name="")]


@dataclass(frozen=True)
class Predict:
    """Predict pictures and DICOM films with a task; masks or pictures come out at each file's own size.

    Writes masks, overlays to look at and, for DICOM files, DICOM Segmentations (or pictures, if the task makes these),
    and summary.json, which says what came of each file. Files that cannot be used are listed there, and the others go
    on.

    Exit code: 0, also if files were refused; with --strict 1 if any was; 2 if nothing was predicted, and then nothing
    is written.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    files: Files
    """Files, and folders whose images are taken."""
    task: str
    """Which task."""
    out: Path
    """Folder for what is made; it must be new or empty."""
    options: Plainly = field(default_factory=PredictionOptions)
    """How to predict."""
    network: str | None = None
    """Which of several networks, such as forward."""
    strict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Exit with 1 if a file was refused, or a mask is not as required."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Predict, and print what came of it."""
        registry = self.required.opened(self.registry)
        summary = predict(registry, self.task, self.files, self.out, self.options, network=self.network, progress=True)
        show_error(INTENDED_USE)
        show_result(_lines(summary, self.out), summary.as_dict(), self.json)
        if not summary.predicted:
            return REFUSED
        return INCOMPLETE if self.strict and (summary.refused or _doubted(summary)) else DONE


def _doubted(summary: PredictionSummary) -> list[str]:
    """Name the masks that are not as they have to be."""
    doubted = [
        (file.source, finding.says)
        for file in summary.predicted
        for finding in file.findings
        if finding.name == AS_REQUIRED and not finding.value
    ]
    return [f"doubtful: {source!r}: {says}" for source, says in doubted]


def _lines(summary: PredictionSummary, out: Path) -> list[str]:
    refused = [f"refused: {as_options(file.reason, Predict)}" for file in summary.refused]
    passed_by = Counter(entry.reason for entry in summary.passed_by)
    first = {entry.reason: entry.source for entry in reversed(summary.passed_by)}
    noted = [
        f"passed by: {first[reason]!r}{f' and {count - 1} more' if count > 1 else ''}: {reason}"
        for reason, count in passed_by.items()
    ]
    noted += _doubted(summary)
    written = sum("segmentations" in file.outputs for file in summary.predicted)
    noted += [f"{written} DICOM segmentations {_NAMED[summary.options.patient]}"] if written else []
    where = repr(str(out)) if summary.predicted else "nothing is written"
    return [*refused, *noted, f"{len(summary.predicted)} predicted, {len(refused)} refused: {where}"]
