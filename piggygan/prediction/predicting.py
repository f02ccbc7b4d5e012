"""Files through one task of a registry: read, translated, brought back and written; what fails is reported."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from torch import Tensor, nn

from piggygan.data.images import read_image
from piggygan.data.untrusted import UntrustedReader
from piggygan.errors import DataError, InputError, PredictionError
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.extras import medical
from piggygan.prediction.films import Film, Read, read_film
from piggygan.prediction.inputs import InputFile, list_inputs
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.outputs import OutputFolder
from piggygan.prediction.products import Products, products_of
from piggygan.prediction.summary import PredictedFile, PredictionSummary, RefusedFile
from piggygan.prediction.translating import Translator
from piggygan.progress import progress_bar
from piggygan.registry import TaskRegistry

_DEFAULTS = PredictionOptions()
_OF_ONE_FILE = (DataError, InputError, PredictionError)
"""Errors that say something of one file, and nothing of the others."""


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
) -> PredictionSummary:
    """Predict files, and write what a task makes of each at the file's own rows, columns and orientation.

    A task of masks writes ``masks/NAME.png`` (8 bits, 0 and 255), ``overlays/NAME.png`` to look at, and for DICOM
    files ``segmentations/NAME.dcm``; a task of pictures writes ``pictures/NAME.png``. NAME is the file's stem, with a
    number where two files have one stem. What an EXIF orientation turns is predicted, and comes out, upright.
    ``summary.json``, written last, says what came of each file: one that cannot be used is listed there with the
    reason, nothing is written of it, and the others go on.

    Args:
        registry: Holds the task; or the folder of such a registry.
        task: Its name.
        files: Files, and folders of PNG, JPEG and DICOM files.
        out: A folder that is new or empty.
        options: How to predict; at another size than the registry says the task was trained on a warning is given.
        generator: For a generator of your own, as for :meth:`piggygan.TaskRegistry.load`.
        network: Which of several networks, likewise.
        progress: Show a progress bar, or a line every 30 seconds where there is no terminal.

    Returns:
        What ``summary.json`` says.

    Raises:
        TaskNotFoundError: If there is no such task.
        RegistryError: If it cannot be loaded.
        ConfigurationError: If the task cannot predict in this way, or a package is missing; nothing is written then.
        DatasetError: If there is no file to predict.
        PredictionError: If ``out`` is not empty, or cannot be written to.
    """
    held = registry if isinstance(registry, TaskRegistry) else TaskRegistry(registry)
    inputs = list_inputs([files] if isinstance(files, (str, os.PathLike)) else files)
    options = _at_its_size(options, held, task)
    translator = Translator(held.load([task], generator, network=network), task, options)
    _check_packages(translator, inputs, options)
    folder = OutputFolder(out)
    predicted: list[PredictedFile] = []
    refused: list[RefusedFile] = []
    with _reading(options) as read, progress_bar(progress) as bar:
        counted = bar.add_task("", total=len(inputs), note="")
        run = _Run(translator, _algorithm(held, task, network, options), options, read)
        for file, products in run.products(inputs):
            if isinstance(products, Products):
                predicted.append(_written(file, products, folder))
            else:
                refused.append(RefusedFile(str(file.path), type(products).__name__, " ".join(str(products).split())))
            bar.update(counted, advance=1, note=f"{len(refused)} refused" if refused else "")
    summary = PredictionSummary(
        task, run.algorithm.certificate, translator.kind, options, tuple(predicted), tuple(refused)
    )
    folder.write_summary(summary.to_json().encode("ascii"))
    return summary


class _Run:
    """Files through a translator, some at a time."""

    def __init__(self, translator: Translator, algorithm: Algorithm, options: PredictionOptions, read: Read) -> None:
        self.algorithm = algorithm
        self._translator = translator
        self._options = options
        self._reader = read

    def products(self, inputs: Sequence[InputFile]) -> Iterator[tuple[InputFile, Products | Exception]]:
        """Give what is made of each file, or what is wrong with it, in order."""
        # A file that is cut into tiles fills a batch alone, and its canvas may be large.
        together = 1 if self._options.fit == "tile" else self._options.batch_size
        for first in range(0, len(inputs), together):
            read = [(file, self._read(file)) for file in inputs[first : first + together]]
            outputs = iter(self._translator([film.canvas for _, film in read if isinstance(film, Film)]))
            for file, film in read:
                yield file, self._made(film, next(outputs)) if isinstance(film, Film) else film

    def _read(self, file: InputFile) -> Film | Exception:
        try:
            return read_film(file, self._translator, self._options, self._reader)
        except _OF_ONE_FILE as error:
            return error

    def _made(self, film: Film, output: Tensor) -> Products | Exception:
        try:
            return products_of(film, output, self._translator.kind, self._options, self.algorithm)
        except _OF_ONE_FILE as error:
            return error


def _at_its_size(options: PredictionOptions, registry: TaskRegistry, task: str) -> PredictionOptions:
    """Choose the size that the registry says, where none was chosen."""
    trained = registry.describe(task).image_size
    if options.size is not None and trained is not None and options.size != trained:
        warnings.warn(
            f"task {task!r} was trained on squares of {trained} pixels and predicts at {options.size}: leave size out, "
            f"or expect worse.",
            stacklevel=3,
        )
    return replace(options, size=options.size or trained or options.side)


@contextmanager
def _reading(options: PredictionOptions) -> Iterator[Read]:
    """Choose where files are decoded."""
    if not options.untrusted:
        yield read_image
        return
    with UntrustedReader() as reader:
        yield reader.read


def _check_packages(translator: Translator, inputs: Sequence[InputFile], options: PredictionOptions) -> None:
    """Import what will be needed, so that a missing package is known before anything is written."""
    if translator.kind != "mask":
        return
    if options.dicom_seg and any(file.is_dicom for file in inputs):
        medical("highdicom", "A DICOM segmentation, which dicom_seg=False leaves out,")
    if options.largest is not None or options.fill_holes:
        medical("scipy.ndimage", "Tidying masks")


def _algorithm(registry: TaskRegistry, task: str, network: str | None, options: PredictionOptions) -> Algorithm:
    networks = registry.describe(task).networks
    part = networks[network] if network is not None else next(iter(networks.values()))
    settings = {"size": options.size, "fit": options.fit, "largest": options.largest, "fill_holes": options.fill_holes}
    return Algorithm(task, part.certificate.tensors_digest, {name: str(value) for name, value in settings.items()})


def _written(file: InputFile, products: Products, folder: OutputFolder) -> PredictedFile:
    """Write all that was made of a file."""
    for inside, content in products.contents.items():
        folder.write(inside, content)
    return PredictedFile(
        source=str(file.path),
        outputs={inside.split("/")[0]: inside for inside in products.contents},
        rows=products.rows,
        columns=products.columns,
        foreground=products.foreground,
    )
