"""Files through one task of a registry: read, translated, brought back and written; what fails is reported."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from torch import Tensor, nn

from piggygan.errors import PiggyganError
from piggygan.files.digests import tensors_digest
from piggygan.files.regular import shown
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.extras import medical
from piggygan.prediction.films import Film, Reading, read_film, reading
from piggygan.prediction.inputs import InputFile, Inputs, list_inputs
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.outputs import OutputFolder
from piggygan.prediction.results import Products, products_of
from piggygan.prediction.summary import PredictedFile, PredictionSummary, RefusedFile
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRegistry
from piggygan.terminal.progress import progress_bar

_DEFAULTS = PredictionOptions()


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
    Each file is opened once, and what is written of it is of the bytes that were read then; their SHA-256 is in the
    summary. ``summary.json``, written last, says what came of each file: one that cannot be used is listed there with
    the reason, nothing is written of it, and the others go on. If no file can be used, nothing is written at all.

    Args:
        registry: Holds the task; or the folder of such a registry.
        task: Its name.
        files: Files, and folders of pictures and DICOM files.
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
    held = registry if isinstance(registry, TaskRegistry) else TaskRegistry(registry)
    with reading(options) as source:
        inputs = list_inputs([files] if isinstance(files, (str, os.PathLike)) else files, source.is_dicom)
        options = at_trained_size(options, held, task)
        model = held.load([task], generator, network=network)
        algorithm = algorithm_of(model, task, options)
        translator = Translator(model, task, options)
        translator.check_channels()
        _check_packages(translator, inputs.files, options)
        run = _Run(translator, algorithm, options, source)
        folder = OutputFolder(out)
        try:
            summary = _predicted(run, inputs, folder, progress)
        finally:
            folder.leave()
    _warn_of_remarks(summary)
    return summary


def _predicted(run: _Run, inputs: Inputs, folder: OutputFolder, progress: bool) -> PredictionSummary:
    """Predict all files, and write what is made of them and the summary."""
    predicted: list[PredictedFile] = []
    refused: list[RefusedFile] = []
    with progress_bar(progress) as bar:
        counted = bar.add_task("", total=len(inputs.files), note="")
        for file, products in run.products(inputs.files):
            if isinstance(products, Products):
                predicted.append(_written(file, products, folder))
            else:
                refused.append(_refused(file, products))
            bar.update(counted, advance=1, note=f"{len(refused)} refused" if refused else "")
    summary = PredictionSummary(
        run.algorithm.task,
        run.algorithm.certificate,
        run.translator.kind,
        run.options,
        tuple(predicted),
        tuple(refused),
        inputs.passed_by,
    )
    if predicted:
        folder.write_summary(summary.to_json().encode("ascii"))
    return summary


class _Run:
    """Files through a translator, some at a time.

    Whatever goes wrong with one file is the end of that file: a night's batch goes on.
    """

    def __init__(
        self, translator: Translator, algorithm: Algorithm, options: PredictionOptions, source: Reading
    ) -> None:
        self.translator = translator
        self.algorithm = algorithm
        self.options = options
        self._source = source

    def products(self, files: Sequence[InputFile]) -> Iterator[tuple[InputFile, Products | Exception]]:
        """Give what is made of each file, or what is wrong with it, in order."""
        # A file that is cut into tiles fills a batch alone, and its canvas may be large.
        together = 1 if self.options.fit == "tile" else self.options.batch_size
        for first in range(0, len(files), together):
            films = [self._read(file) for file in files[first : first + together]]
            outputs = iter(self._translated([film for film in films if isinstance(film, Film)]))
            for file, film in zip(files[first : first + together], films, strict=True):
                yield file, self._made(film, next(outputs)) if isinstance(film, Film) else film

    def _read(self, file: InputFile) -> Film | Exception:
        try:
            return read_film(file, self.translator, self.options, self._source)
        except Exception as error:
            return error

    def _translated(self, films: Sequence[Film]) -> Sequence[Tensor | Exception]:
        try:
            return self.translator([film.canvas for film in films])
        except Exception as error:
            # One film may be what there is no memory for: then the others can do without it.
            return [error] if len(films) == 1 else [self._translated([film])[0] for film in films]

    def _made(self, film: Film, output: Tensor | Exception) -> Products | Exception:
        if isinstance(output, Exception):
            return output
        try:
            return products_of(film, output, self.translator.kind, self.options, self.algorithm)
        except Exception as error:
            return error


def _refused(file: InputFile, error: Exception) -> RefusedFile:
    """Say what was wrong with a file; of errors that nobody foresaw the kind, since their texts may quote a name."""
    reason = str(error)
    if not isinstance(error, PiggyganError):
        reason = f"{shown(file.path)} cannot be predicted: that failed ({type(error).__name__})."
    return RefusedFile(str(file.path), type(error).__name__, " ".join(reason.split()))


def _warn_of_remarks(summary: PredictionSummary) -> None:
    """Warn once of everything that was odd, with the first file that it was true of."""
    found: dict[str, list[str]] = {}
    for file in summary.predicted:
        for remark in file.remarks:
            found.setdefault(remark, []).append(file.source)
    for remark, sources in found.items():
        others = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        warnings.warn(f"{sources[0]!r}{others}: {remark}", stacklevel=3)


def at_trained_size(options: PredictionOptions, registry: TaskRegistry, task: str) -> PredictionOptions:
    """Choose the size that the registry says, where none was chosen; warn of another one."""
    trained = registry.describe(task).image_size
    if options.size is not None and trained is not None and options.size != trained:
        warnings.warn(
            f"task {task!r} was trained on squares of {trained} pixels and predicts at {options.size}: leave size out, "
            f"or expect worse.",
            stacklevel=3,
        )
    return replace(options, size=options.size or trained or options.side)


def _check_packages(translator: Translator, inputs: Sequence[InputFile], options: PredictionOptions) -> None:
    """Import what will be needed, so that a missing package is known before anything is written."""
    if translator.kind == "mask" and options.dicom_seg and any(file.may_be_dicom for file in inputs):
        medical("highdicom", "A DICOM Segmentation beside the mask of a film, which dicom_seg=False leaves out,")


def algorithm_of(model: MultiTaskGenerator, task: str, options: PredictionOptions) -> Algorithm:
    """Say what predicts: by the tensors that do, for the registry may have another task of this name by now."""
    settings = {"size": options.size, "fit": options.fit, "largest": options.largest, "fill_holes": options.fill_holes}
    return Algorithm(
        task, tensors_digest(model.task_tensors(task)), {name: str(value) for name, value in settings.items()}
    )


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
        sha256=products.sha256,
        remarks=products.remarks,
        findings=products.findings,
    )
