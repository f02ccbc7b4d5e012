"""A task of a registry scored on files, at their own size, as ``piggygan predict`` would write them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Annotated

import tyro
from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.evaluation.report.page import render_page
from piggygan.jobs.data import DataConfig, TaskData
from piggygan.jobs.evaluating.case_scores import checked_tolerance
from piggygan.jobs.evaluating.contender import Contender
from piggygan.jobs.evaluating.evaluation import Evaluation, notes_on
from piggygan.jobs.evaluating.page import chosen, evaluation_page, look
from piggygan.jobs.evaluating.scored_cases import ScoredCases
from piggygan.jobs.evaluating.scored_pairs import PALETTES, ScoredPairs, open_scored_pairs
from piggygan.jobs.folder import RunFolder
from piggygan.prediction.options import Fit, PredictionOptions
from piggygan.prediction.outputs import OutputFolder
from piggygan.registry import TaskRegistry
from piggygan.terminal.guessing import did_you_mean

CASES, PAGE = "cases.csv", "index.html"
_SETTINGS = ("size", "fit", "largest", "fill_holes")


@dataclass(frozen=True)
class EvaluationOptions:
    """How a task is scored.

    Raises:
        ConfigurationError: If a value is outside its range.

    Example:
        >>> EvaluationOptions(spacing=(0.14,), tolerance=2.0, largest=2).prediction.largest
        2
    """

    by_patient: Annotated[str | None, tyro.conf.arg(metavar="REGEX", help_behavior_hint="")] = None
    """Finds the patient in a name: its first group, or all."""
    spacing: Annotated[tuple[float, ...], tyro.conf.arg(metavar="MM [MM]", help_behavior_hint="")] = ()
    """A pixel's side, or height and width. By default DICOM's word."""
    tolerance: Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")] = None
    """Of NSD. By default 2 mm; in pixels 0.5 % of the diagonal."""
    palette: Annotated[str | None, tyro.conf.arg(metavar="cmp", help_behavior_hint="")] = None
    """Colours of classes. By default those of a known data set."""
    size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS", help_behavior_hint="")] = None
    """The network's square. By default as trained."""
    fit: Annotated[Fit, tyro.conf.arg(metavar="stretch|pad|tile")] = "stretch"
    """How pictures come to it."""
    largest: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None
    """Keep so many parts of a mask, the largest."""
    fill_holes: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Fill holes in masks."""
    device: Annotated[str, tyro.conf.arg(metavar="cpu|cuda")] = "cpu"
    """Where to compute."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of the draws of intervals."""

    def __post_init__(self) -> None:
        checked_tolerance(self.tolerance)
        if len(self.spacing) > 2 or not all(0 < side < float("inf") for side in self.spacing):
            raise ConfigurationError(
                f"spacing is {' '.join(map(str, self.spacing))}; needed are the millimetres of a pixel's side, or its "
                f"height and width, above 0."
            )
        if self.palette is not None and self.palette not in PALETTES:
            guess = did_you_mean(self.palette, PALETTES)
            raise ConfigurationError(
                f"palette is {self.palette!r}; {guess}{'K' if guess else 'k'}nown are {', '.join(PALETTES)}."
            )
        if self.seed < 0:
            raise ConfigurationError(f"seed is {self.seed}; it must be at least 0.")
        self.prediction  # noqa: B018  # refuses what cannot be predicted with

    @property
    def prediction(self) -> PredictionOptions:
        """What of it says how to predict."""
        return PredictionOptions(
            size=self.size, fit=self.fit, largest=self.largest, fill_holes=self.fill_holes, device=self.device
        )


_DEFAULTS = EvaluationOptions()


def evaluate_task(
    folder: str | os.PathLike[str],
    task: str,
    data: DataConfig | TaskData | None = None,
    options: EvaluationOptions = _DEFAULTS,
    *,
    out: str | os.PathLike[str] | None = None,
    compare_task: str | None = None,
    compare_registry: str | os.PathLike[str] | None = None,
    registry: TaskRegistry | None = None,
    generator: nn.Module | None = None,
    network: str | None = None,
    progress: bool = False,
) -> Evaluation:
    """Score a task on pairs, each at its files' own rows and columns.

    Masks get Dice, IoU, accuracy, precision, recall, HD95, ASSD and NSD; pictures L1, PSNR and SSIM, and label scores
    where the classes' colours are known. Means have 95 % intervals that draw patients. A file that cannot be scored is
    listed, and the others go on.

    Args:
        folder: Of a run, or of a registry alone.
        task: Which task, or ensemble; exactly this version.
        data: What to score it on; None: the test side of what it was trained on.
        options: How.
        out: A folder that is new or empty, for ``cases.csv``, ``summary.json`` and a page, ``index.html``. They name
            files and show pictures. None: nothing is written.
        compare_task: Another task to compare it with on the same files.
        compare_registry: The registry or run of that task; its name is the same if ``compare_task`` is None.
        registry: The registry of ``folder``, where it was opened in another way.
        generator: For a generator of your own, as for :meth:`piggygan.TaskRegistry.load`.
        network: Which of several networks, likewise.
        progress: Show a progress bar, or a line every 30 seconds where there is no terminal.

    Raises:
        TaskNotFoundError: If there is no such task.
        RegistryError: If it cannot be loaded.
        ConfigurationError: If the options contradict each other or the data, or nothing says what the data are.
        DataError: If the data cannot be used, or no file can be scored.
        PredictionError: If ``out`` is not empty, or cannot be written to.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import json
        >>> from pathlib import Path
        >>> import piggygan as pg
        >>> from piggygan.data.synthetic import write_xrays
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2, out_channels=1), "lungs")
        >>> model.freeze_task("lungs")
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(f"{folder}/clinic").commit(model, "lungs", image_size=32)
        ...     films = write_xrays(f"{folder}/films", 6, 48, seed=0)
        ...     sides = {"train": ["000.dcm", "001.dcm"], "val": ["002.dcm"], "test": ["003.dcm", "004.dcm"]}
        ...     _ = Path(folder, "films", "splits.json").write_text(json.dumps(sides))
        ...     data = DataConfig(data=Path(folder, "films"))
        ...     found = evaluate_task(f"{folder}/clinic", "lungs", data)
        >>> [case.name for case in found.cases], sorted(found.pooled)[:3]
        (['003', '004'], ['accuracy', 'dice', 'iou'])
    """
    run = RunFolder.at(folder)
    own = registry or TaskRegistry(run.registry_folder)
    how = options.prediction
    contenders = [Contender.load(own, task, how, generator=generator, network=network)]
    if compare_task is not None or compare_registry is not None:
        theirs = own if compare_registry is None else TaskRegistry(RunFolder.at(compare_registry).registry_folder)
        other = compare_task or task
        if theirs.folder == own.folder and other == task:
            raise ConfigurationError(f"task {task!r} is to be compared with itself: name another task or registry.")
        contenders.append(Contender.load(theirs, other, how, generator=generator, network=network))
    pairs = _opened(run, contenders[0], data, options)
    scored = ScoredCases(
        contenders,
        pairs,
        owners=pairs.owners(options.by_patient),
        spacing=options.spacing,
        tolerance=options.tolerance,
        seed=options.seed,
    )
    if out is None:
        scored.run(progress)
        return _evaluation(scored, contenders[0], pairs)
    folder_of_results = OutputFolder(out)
    try:
        scored.run(progress)
        evaluation = _evaluation(scored, contenders[0], pairs)
        looks = [
            look(case, why, scored.translated(case.name), is_of_masks=pairs.kind == "masks")
            for case, why in chosen(evaluation)
        ]
        folder_of_results.write(CASES, evaluation.to_csv())
        folder_of_results.write(PAGE, render_page(evaluation_page(evaluation, looks)).encode("utf-8"))
        folder_of_results.write_summary(evaluation.to_json().encode("ascii"))
    finally:
        folder_of_results.leave()
    return evaluation


def _opened(
    run: RunFolder, contender: Contender, data: DataConfig | TaskData | None, options: EvaluationOptions
) -> ScoredPairs:
    if isinstance(data, TaskData):
        return ScoredPairs.of(data, options.palette)
    return open_scored_pairs(
        run.task(contender.task),
        data,
        size=contender.options.side,
        in_channels=contender.ensemble.in_channels,
        palette=options.palette,
    )


def _evaluation(scored: ScoredCases, contender: Contender, pairs: ScoredPairs) -> Evaluation:
    """Gather what came of it."""
    summaries, is_of_masks = scored.summaries(), pairs.kind == "masks"
    settings = {name: str(value) for name, value in asdict(contender.options).items() if name in _SETTINGS}
    notes = notes_on(summaries, scored.cases, refused=len(scored.refused), one_sided=scored.one_sided)
    if is_of_masks and scored.measure.unit == "pixels" and scored.measured_files:
        notes.append(
            f"{scored.measured_files} of {len(pairs.files)} files say how large a pixel is: distances are in pixels. "
            f"Give spacing for millimetres."
        )
    if scored.look_inverted:
        notes.insert(0, "Outputs agree better with the inverse of these masks: is foreground black in them?")
    if (trust := scored.trust) is not None:
        notes.append(str(trust))
    return Evaluation(
        task=contender.task,
        registry=contender.registry,
        certificate=contender.certificate,
        kind=pairs.kind,
        headline=scored.headline,
        settings=settings,
        unit=scored.measure.unit if is_of_masks else None,
        tolerance=scored.measure.stated if is_of_masks else None,
        fingerprint=pairs.fingerprint,
        cases=tuple(scored.cases),
        refused=tuple(scored.refused),
        summaries=summaries,
        pooled=scored.pooled(),
        comparison=scored.comparison(),
        notes=(*pairs.notes, *notes),
        trust=trust,
    )
