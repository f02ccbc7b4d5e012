"""Files through one task of a registry: read, translated, brought back and written; what fails is reported."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.files.digests import tensors_digest
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.doubting import check_doubts
from piggygan.prediction.ensemble import Ensemble, trained_size
from piggygan.prediction.extras import medical
from piggygan.prediction.filling import Filling
from piggygan.prediction.films import reading
from piggygan.prediction.folder import PredictionFolder
from piggygan.prediction.inputs import InputFile, list_inputs
from piggygan.prediction.job import Job
from piggygan.prediction.loaded import load_network
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.part import Part
from piggygan.prediction.predictions import Predictions
from piggygan.prediction.ray_cluster import ray_cluster
from piggygan.prediction.request import Engine, Request
from piggygan.prediction.summary import PredictionSummary
from piggygan.registry import TaskRegistry

_DEFAULTS = PredictionOptions()
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def predict(
    registry: TaskRegistry | str | os.PathLike[str],
    task: str,
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: PredictionOptions = _DEFAULTS,
    *,
    generator: nn.Module | None = None,
    network: str | None = None,
    progress: bool = False,
    recursive: bool = False,
    part: str | None = None,
    workers: int | None = None,
    engine: Engine = "here",
) -> PredictionSummary:
    """Predict files, and write what a task makes of each at the file's own rows, columns and orientation.

    A task of masks writes ``masks/NAME.png`` (8 bits, 0 and 255), ``overlays/NAME.png`` to look at, and for DICOM
    files ``segmentations/NAME.dcm``; a task of pictures writes ``pictures/NAME.png``. NAME is the file's stem, with a
    number where two files have one stem. What an EXIF orientation turns is predicted, and comes out, upright.
    Each file is opened once, and what is written of it is of the bytes that were read then; their SHA-256 is in the
    summary. ``summary.json``, written last, says what came of each file: one that cannot be used is listed there with
    the reason, nothing is written of it, and the others go on. If no file can be used, nothing is written at all.

    A prediction that was killed, or ran out of disk, goes on when the same is called again: what is there is compared
    with its digest in the journal and not made again. What is written depends on neither that nor the workers.

    Args:
        registry: Holds the task; or the folder of such a registry.
        task: Its name; of a task that has newer versions ``lungs`` is the newest, ``lungs@1`` the first. Of an ensemble
            all members predict, and what is written is made of the mean of their outputs.
        files: Files, and folders of pictures and DICOM files.
        out: A folder that is new or empty, or holds predictions by the same.
        options: How to predict; at another size than the registry says the task was trained on a warning is given.
        generator: For a generator of your own, as for :meth:`piggygan.TaskRegistry.load`.
        network: Which of several networks, likewise.
        progress: Show a progress bar, or a line every 30 seconds where there is no terminal.
        recursive: Search the folders below a folder too; outputs are in folders of the same names.
        part: Predict one of several parts only, such as ``"3/8"``; a film is in the same part for ever.
        workers: Processes that read films and make their files while this one computes the network; by default one a
            core from 32 films on. 0: all in this process.
        engine: ``"here"``, or ``"ray"``: by tasks of a Ray cluster, whose machines all see the registry, the films and
            ``out`` under the same paths; the same outputs as in one process of one thread.

    Returns:
        What ``summary.json`` says.

    Raises:
        TaskNotFoundError: If there is no such task.
        RegistryError: If it cannot be loaded.
        ConfigurationError: If the task cannot predict in this way, or a package is missing; nothing is written then.
        DatasetError: If there is no file to predict.
        PredictionError: If ``out`` holds anything else, another process is predicting into it, or it cannot be written
            to any more; what is written is whole then.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> from piggygan.data.synthetic import write_xrays
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2, out_channels=1), "lungs")
        >>> model.freeze_task("lungs")
        >>> options = PredictionOptions(dicom_seg=False)  # that needs piggygan[medical]
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(f"{folder}/clinic").commit(model, "lungs", image_size=32)
        ...     films = write_xrays(folder, 2, 48, seed=0)
        ...     summary = predict(f"{folder}/clinic", "lungs", f"{folder}/images", f"{folder}/found", options)
        >>> summary.predicted[0].outputs, summary.predicted[0].rows
        ({'masks': 'masks/000.png', 'overlays': 'overlays/000.png'}, 48)
    """
    own_part = None if part is None else Part.read(part)
    request = Request(task, options, network, recursive, own_part, workers, progress, engine)
    with predicted(registry, files, out, request, generator) as predictions:
        return predictions.summary()


@contextmanager
def predicted(
    registry: TaskRegistry | str | os.PathLike[str],
    files: Paths,
    out: str | os.PathLike[str],
    request: Request,
    generator: nn.Module | None = None,
) -> Iterator[Predictions]:
    """Predict files as :func:`predict` does, and give what came of them without keeping it in memory.

    Args:
        registry: Holds the task.
        files: As of :func:`predict`.
        out: Likewise.
        request: The rest.
        generator: As of :func:`predict`.

    Yields:
        What came of it, to be read in the ``with`` block.
    """
    held = registry if isinstance(registry, TaskRegistry) else TaskRegistry(registry)
    if request.engine == "ray" and generator is not None:
        raise ConfigurationError("a generator of your own cannot be sent to Ray: predict with engine='here'.")
    with ExitStack() as open_now:
        source = open_now.enter_context(reading(request.options))
        inputs = list_inputs(
            [files] if isinstance(files, (str, os.PathLike)) else files,
            source.is_dicom,
            recursive=request.recursive,
            out=Path(out),
        )
        head, members = held.digest, held.members(request.task)
        request = replace(request, task=held.resolve(request.task))
        options = at_trained_size(request.options, held, members)
        loaded = load_network(held, members, options, request.network, generator)
        loaded.ensemble.check_channels()
        check_doubts(loaded.ensemble, request.task, options)
        _check_packages(loaded.ensemble, inputs.files, options)
        algorithm = Algorithm(request.task, loaded.certificate, settings_of(options))
        job = Job(loaded.ensemble.in_channels, loaded.ensemble.kind, options, algorithm)
        ray = open_now.enter_context(ray_cluster()) if request.engine == "ray" else None
        folder = PredictionFolder(out)
        open_now.callback(folder.leave)
        of_members = loaded.digests if len(members) > 1 else {}
        filling = Filling(folder, job, loaded.network, of_members, source, request)
        yield filling.done(inputs, head, None if ray is None else (ray, held.folder))


def at_trained_size(options: PredictionOptions, registry: TaskRegistry, tasks: Sequence[str]) -> PredictionOptions:
    """Choose the size that the registry says, where none was chosen; warn of another one.

    Args:
        options: Say a size, or none.
        registry: Holds the tasks.
        tasks: One, or the members of an ensemble.

    Raises:
        ConfigurationError: If members of an ensemble were trained at several sizes.
    """
    trained = trained_size(registry, tasks)
    if options.size is not None and trained is not None and options.size != trained:
        warnings.warn(
            f"task {tasks[0]!r} was trained on squares of {trained} pixels and predicts at {options.size}: leave size "
            f"out, or expect worse.",
            stacklevel=3,
        )
    return replace(options, size=options.size or trained or options.side)


def _check_packages(ensemble: Ensemble, inputs: Sequence[InputFile], options: PredictionOptions) -> None:
    """Import what will be needed, so that a missing package is known before anything is written."""
    if ensemble.kind == "mask" and options.dicom_seg and any(file.may_be_dicom for file in inputs):
        medical("highdicom", "A DICOM Segmentation beside the mask of a film, which dicom_seg=False leaves out,")


def algorithm_of(model: MultiTaskGenerator, task: str, options: PredictionOptions) -> Algorithm:
    """Say what predicts: by the tensors that do, for the registry may have another task of this name by now."""
    return Algorithm(task, tensors_digest(model.task_tensors(task)), settings_of(options))


def settings_of(options: PredictionOptions) -> dict[str, str]:
    """Say how an algorithm is applied, as far as its output depends on it."""
    settings = {"size": options.size, "fit": options.fit, "largest": options.largest, "fill_holes": options.fill_holes}
    return {name: str(value) for name, value in settings.items()}
