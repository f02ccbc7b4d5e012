"""The subcommand that predicts files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, REFUSED, AsJson, RegistryFolder, show, show_error
from piggygan.cli.environment import FLAG, hand_over, words_of_environment
from piggygan.cli.option_names import as_options
from piggygan.cli.trust import Required, Requirements
from piggygan.prediction import Patient, PredictionOptions
from piggygan.prediction.doubting import score_of
from piggygan.prediction.file_list import read_file_list, read_file_list_at
from piggygan.prediction.judging import is_doubtful
from piggygan.prediction.part import Part
from piggygan.prediction.predicting import predicted
from piggygan.prediction.predictions import Predictions
from piggygan.prediction.request import Engine, Request
from piggygan.terminal.about import INTENDED_USE

NAMED: dict[Patient, str] = {
    "copy": "name the patient and study of their films: treat them as the films. --patient empty names nobody.",
    "empty": "name no patient: an archive files them apart from their films.",
    "pseudonym": "name pseudonyms and other UIDs than their films: an archive files them apart from these.",
}
INCOMPLETE = 1
"""Exit code of a run that was to be complete and was not."""

Files = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILES|FOLDER")]
Plainly = Annotated[PredictionOptions, tyro.conf.arg(name="")]
FileList = Annotated[Path | None, tyro.conf.arg(name="files", metavar="FILE|-")]


@dataclass(frozen=True)
class Predict:
    """Predict pictures and DICOM films with a task; masks or pictures come out at each file's own size.

    Writes masks, overlays to look at and, for DICOM files, DICOM Segmentations (or pictures, if the task makes these),
    journal.jsonl, a line a film, and summary.json, which says what came of each file. Files that cannot be used are
    listed there, and the others go on. The same line goes on where it was killed; what is there is not made again.

    Exit code: 0, also if files were refused; with --strict 1 if any was; 2 if nothing was predicted, and then nothing
    is written, or if nothing more could be written, and then what is written is whole.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    paths: Files
    """Files, and folders whose images are taken."""
    task: str
    """Which task, or ensemble; of several versions the newest, unless one is pinned: lungs@1."""
    out: Path
    """Folder for what is made; it must be new or empty, or hold predictions by the same task and options."""
    options: Plainly = field(default_factory=PredictionOptions)
    """How to predict."""
    files: FileList = None
    """Take further files from a list, or from standard input: one a line, or separated by NUL bytes, as find -print0
    writes them."""
    recursive: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Search the folders below a folder too; links to folders are not followed. Outputs are in folders of the same
    names."""
    part: Annotated[str | None, tyro.conf.arg(metavar="K/N")] = None
    """Predict one of several parts, such as 3/8, into a folder of its own: a film is in the same part for ever."""
    workers: int | None = None
    """Processes that read films and write their files while this one computes the network; by default one a core from
    32 films on. What is written does not depend on it."""
    engine: Engine = "here"
    """Who predicts. here: this machine; ray: the Ray cluster that RAY_ADDRESS names or that runs here, else one of this
    machine's cores (piggygan[ray]). All of its machines have to see the same folders."""
    network: str | None = None
    """Which of several networks, such as forward."""
    strict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Exit with 1 if a file was refused, a mask is not as required or is to be looked at, or a film is unlike those of
    training."""
    from_environment: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """For containers: take REGISTRY and --task from PIGGYGAN_REGISTRY and PIGGYGAN_TASK, files and --out from
    MERCURE_IN_DIR and MERCURE_OUT_DIR or from MONAI_INPUTPATH and MONAI_OUTPUTPATH."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    @classmethod
    def with_environment(cls, words: Sequence[str]) -> Sequence[str]:
        """Add the words that a platform says by variables, if that is asked for."""
        return [*words, *words_of_environment(os.environ)] if FLAG in words else words

    def run(self) -> int:
        """Predict, and print what came of it."""
        part = None if self.part is None else Part.read(self.part)
        request = Request(
            self.task, self.options, self.network, self.recursive, part, self.workers, progress=True, engine=self.engine
        )
        registry = self.required.opened(self.registry)
        with predicted(registry, [*self.paths, *self._listed()], self.out, request) as predictions:
            show_error(INTENDED_USE)
            if self.from_environment:
                hand_over(predictions, self.out, os.environ)
            if self.json:
                predictions.write(sys.stdout)
            else:
                for line in _lines(predictions, self.out):
                    show(line)
            if not predictions.predicted_count:
                return REFUSED
            is_complete = not predictions.refused_count and not _doubted(predictions)
            return DONE if is_complete or not self.strict else INCOMPLETE

    def _listed(self) -> list[Path]:
        if self.files is None:
            return []
        return read_file_list(sys.stdin.buffer.read()) if str(self.files) == "-" else read_file_list_at(self.files)


def _doubted(predictions: Predictions) -> list[str]:
    """Name what somebody should look at: first those whose Dice is expected to be lowest."""
    found = [
        (score_of(file), f"doubtful: {file.source!r}: {finding.says}")
        for file in predictions.predicted()
        for finding in file.findings
        if is_doubtful(finding)
    ]
    return [line for _, line in sorted(found, key=lambda one: one[0])]


def _lines(predictions: Predictions, out: Path) -> Iterator[str]:
    for file in predictions.refused():
        yield f"refused: {as_options(file.reason, Predict)}"
    passed_by = predictions.about.passed_by
    first = {entry.reason: entry.source for entry in reversed(passed_by)}
    for reason, count in Counter(entry.reason for entry in passed_by).items():
        yield f"passed by: {first[reason]!r}{f' and {count - 1} more' if count > 1 else ''}: {reason}"
    yield from _doubted(predictions)
    if (least := predictions.about.options.review_below) is not None:
        count = len(predictions.about.review)
        yield f"{count} of {predictions.predicted_count} to be looked at: expected Dice below {least:g}"
    written = sum("segmentations" in file.outputs for file in predictions.predicted())
    if written:
        yield f"{written} DICOM segmentations {NAMED[predictions.about.options.patient]}"
    before = predictions.predicted_count - predictions.made
    there = f" ({before} of them were there)" if before else ""
    where = repr(str(out)) if predictions.predicted_count else "nothing is written"
    yield f"{predictions.predicted_count} predicted{there}, {predictions.refused_count} refused: {where}"
