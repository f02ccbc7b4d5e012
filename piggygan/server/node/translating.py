"""Translating: the films that were received, one after another, each to the DICOM Segmentation that is sent on."""

from __future__ import annotations

import errno
import logging
import threading
from dataclasses import replace

from piggygan.data.untrusted.reader import UntrustedReader
from piggygan.errors import ConfigurationError, PiggyganError, PredictionError
from piggygan.prediction.dicom_seg import segmentation_bytes
from piggygan.prediction.films import read_film
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.options import PredictionOptions, Viewer
from piggygan.prediction.results import hard_mask, plane_of
from piggygan.server.held import HeldTasks
from piggygan.server.node.film_queue import FILM, FilmQueue, Record
from piggygan.server.node.options import NodeLimits
from piggygan.server.node.retrying import Backoff
from piggygan.server.node.rules import Rules

LOG = logging.getLogger("piggygan.node")


def check_tasks(held: HeldTasks, rules: Rules) -> None:
    """Try the tasks that rules name, so that what cannot translate is known before a film comes.

    Raises:
        TaskNotFoundError: If a rule names a task that the registry does not have.
        ConfigurationError: If one makes no masks, or what a rule asks of masks cannot be had.
    """
    for rule in rules.tasks():
        options = PredictionOptions(largest=rule.largest, fill_holes=rule.fill_holes)
        if held.ready(str(rule.task), None, options).ensemble.kind != "mask":
            raise ConfigurationError(f"task {rule.task!r} makes pictures; a node sends masks: name a task of masks.")


class Translating:
    """Makes masks of films; decoding is done in a process that may fail.

    Args:
        queue: Has the films, and takes the masks.
        held: The tasks.
        limits: On a film's pixels, and on the time for decoding it.
        viewer: For which viewer masks are.
    """

    def __init__(self, queue: FilmQueue, held: HeldTasks, limits: NodeLimits, viewer: Viewer = "any") -> None:
        self._queue, self._held, self._viewer = queue, held, viewer
        self._reader = UntrustedReader(seconds=limits.seconds, max_pixels=limits.pixels)

    def run(self, stop: threading.Event) -> None:
        """Translate until the node is to stop; the film that is worked on is finished."""
        backoff = Backoff(stop)
        with self._reader:
            self._reader.start()
            while (waiting := self._queue.next("received", stop)) is not None:
                key, record = waiting
                try:
                    self._translate(key, record)
                    backoff.reset()
                except OSError as error:
                    # A disk that is full: the film stays where it is, and is taken up when there is room.
                    code = errno.errorcode.get(error.errno or 0)
                    LOG.error("%s waits: the disk refused its mask (%s)", record.name, code)
                    backoff.wait()

    def _translate(self, key: str, record: Record) -> None:
        try:
            mask = self.mask_of(key, record)
        except OSError:
            raise
        except Exception as error:
            # Of errors that nobody foresaw the kind, since their texts may quote the film.
            is_ours = isinstance(error, PiggyganError)
            self._queue.failed(key, "received", str(error) if is_ours else type(error).__name__)
            LOG.error("%s failed: %s", record.name, type(error).__name__)
            return
        self._queue.made(key, mask)
        LOG.info("%s was translated by %s", record.name, record.task)

    def mask_of(self, key: str, record: Record) -> bytes:
        """Make the Segmentation of a film that was received: the same file however often it is made.

        Raises:
            ImageError: If the film cannot be used.
            PredictionError: If no mask can be made of it.
        """
        options = PredictionOptions(
            largest=record.largest, fill_holes=record.fill_holes, viewer=self._viewer, untrusted=True
        )
        ready = self._held.ready(record.task, None, options)
        options = replace(options, size=ready.side)
        algorithm = replace(ready.applied(options), moment=record.received)
        job = Job(ready.ensemble.in_channels, ready.ensemble.kind, options, algorithm)
        file = InputFile(self._queue.path("received", key, FILM), key, may_be_dicom=True)
        film = read_film(file, job, self._reader)
        if film.source is None:
            raise PredictionError("a DICOM Segmentation refers to a DICOM film, and the file is none.")
        output = ready.ensemble([film.canvas])[0].output
        if not bool(output.isfinite().all()):
            raise PredictionError("the network gave values that are no numbers: nothing can be made of them.")
        mask = hard_mask(film.placement.take_back(output), options)
        return segmentation_bytes(mask, film.source, algorithm, plane_of(film) if self._viewer == "ohif" else None)
