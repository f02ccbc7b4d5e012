"""Filling: an output folder is filled with what a task makes of films, and what is there already is kept."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from piggygan.prediction.films import Reading
from piggygan.prediction.folder import JOURNAL, SUMMARY, PredictionFolder, unwritable
from piggygan.prediction.going_on import begin, first_line, unfinished
from piggygan.prediction.inputs import InputFile, Inputs
from piggygan.prediction.job import Job
from piggygan.prediction.journal import now
from piggygan.prediction.making import Made, Maker
from piggygan.prediction.predictions import Predictions
from piggygan.prediction.ray_outcomes import Order, outcomes_by_ray
from piggygan.prediction.reproducible import moment_of_now
from piggygan.prediction.request import Request
from piggygan.prediction.running import Network, outcomes_here
from piggygan.prediction.summary import PredictionRun, PredictionSummary, RefusedFile
from piggygan.prediction.workers import Workers, worker_count
from piggygan.prediction.writing import Writer
from piggygan.terminal.progress import progress_bar


class Filling:
    """Films through a network, into a folder; in the moment at which the folder was begun.

    Args:
        folder: Where to.
        job: What is asked of each film.
        network: Translates them.
        members: Of an ensemble the digests of its members by name.
        source: Where films are opened, if no workers are started.
        request: The rest.
    """

    def __init__(
        self,
        folder: PredictionFolder,
        job: Job,
        network: Network,
        members: dict[str, str],
        source: Reading,
        request: Request,
    ) -> None:
        begun = folder.journal.begun
        self._moment = moment_of_now() if begun is None else str(begun.get("began"))
        self._job = replace(job, algorithm=replace(job.algorithm, moment=self._moment))
        self._network = network
        self._members = members
        self._source = source
        self._folder = folder
        self._request = request
        self._remarks: dict[str, tuple[str, int]] = {}

    def done(self, inputs: Inputs, head: str, cluster: tuple[Any, Path] | None = None) -> Predictions:
        """Predict what has yet to be predicted, and write what came of it.

        Args:
            inputs: All films.
            head: Digest of the registry's head.
            cluster: Ray, connected, and the folder of the registry; None: films are predicted here.

        Raises:
            PredictionError: If the folder is of something else, or cannot be written to.
        """
        request, folder, journal = self._request, self._folder, self._folder.journal
        inputs = inputs.going_on(journal.names()).in_part(request.part)
        yet = len(inputs.files) - journal.predicted_count
        workers = (worker_count(yet) if request.workers is None else request.workers) if cluster is None else 0
        threads = torch.get_num_threads() if cluster is None else 1
        part = None if request.part is None else str(request.part)
        run = PredictionRun(now(), None, head, str(torch.__version__), threads, workers, part)
        begin(folder, first_line(self._job, request.network, self._moment), run)
        about = PredictionSummary(
            self._job.algorithm.task,
            self._job.algorithm.certificate,
            self._job.kind,
            self._job.options,
            (),
            (),
            inputs.passed_by,
            request.network,
            members=self._members,
        )
        predictions = Predictions(journal, about, [str(file.path) for file in inputs.files])
        predictions.made = self._predict(inputs.files, workers, cluster)
        try:
            journal.append([{"record": "ended", "at": now()}])
        except OSError as error:
            raise unwritable(folder.path / JOURNAL, error) from error
        if predictions.predicted_count:
            self._write_summary(predictions)
        self._warn_of_remarks()
        return predictions

    def _predict(self, files: tuple[InputFile, ...], workers: int, cluster: tuple[Any, Path] | None) -> int:
        """Predict films; return how many were made."""
        made = refused = 0
        writer = Writer(self._folder)
        with progress_bar(self._request.progress) as bar:
            counted = bar.add_task("", total=len(files), note="")

            def unmade() -> Iterator[InputFile]:
                for state in unfinished(files, self._folder):
                    if isinstance(state, InputFile):
                        yield state
                        continue
                    if state is not None:
                        writer.put(state)
                    bar.update(counted, advance=1)

            try:
                if cluster is None:
                    found = self._outcomes(unmade(), workers)
                else:
                    found = self._outcomes_by_ray(unmade(), len(files), *cluster)
                with closing(found) as outcomes:
                    for outcome in outcomes:
                        writer.put(outcome)
                        made += isinstance(outcome, Made)
                        refused += isinstance(outcome, RefusedFile)
                        self._note_remarks(outcome)
                        bar.update(counted, advance=1, note=f"{refused} refused" if refused else "")
            finally:
                writer.close()
        return made

    @property
    def _together(self) -> int:
        # A film that is cut into tiles fills a batch alone, and its canvas may be large.
        return 1 if self._job.options.fit == "tile" else self._job.options.batch_size

    def _outcomes_by_ray(
        self, files: Iterator[InputFile], count: int, ray: Any, registry: Path
    ) -> Generator[Made | RefusedFile]:
        members = tuple(self._members) or (self._job.algorithm.task,)
        order = Order.of(self._job, members, registry, self._request.network, self._folder.staging, self._together)
        return outcomes_by_ray(ray, files, order, count)

    def _outcomes(self, files: Iterator[InputFile], workers: int) -> Generator[Made | RefusedFile]:
        if workers:
            team = Workers(self._job, self._folder.staging, workers, files)
            return team.outcomes(self._network, self._together)
        maker = Maker(self._job, self._source, self._folder.staging)
        return outcomes_here(files, maker, self._network, self._together)

    def _write_summary(self, predictions: Predictions) -> None:
        staged = self._folder.staging / "summary"
        try:
            with staged.open("w", encoding="ascii") as file:
                predictions.write(file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._folder.path / SUMMARY, error) from error
        self._folder.place_summary(staged.name)

    def _note_remarks(self, outcome: Made | RefusedFile) -> None:
        if isinstance(outcome, Made):
            file = outcome.record.file
            for remark in file.remarks:
                first, count = self._remarks.get(remark, (file.source, 0))
                self._remarks[remark] = first, count + 1

    def _warn_of_remarks(self) -> None:
        """Warn once of everything that was odd, with the first film that it was true of."""
        for remark, (first, count) in self._remarks.items():
            others = f" and {count - 1} more" if count > 1 else ""
            warnings.warn(f"{first!r}{others}: {remark}", stacklevel=6)
