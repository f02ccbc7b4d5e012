"""A committed task learned once more by other methods: same files, same start, same number of steps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from piggygan.errors import ConfigurationError, PiggyganError, TaskNotFoundError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder, shown
from piggygan.jobs.comparing.comparison import Earlier, Rivalled, read_rivalled, write_rivalled
from piggygan.jobs.comparing.page_blocks import OURS
from piggygan.jobs.comparing.rivals import RIVALS, ReadAs, check_methods, nothing_to_fine_tune
from piggygan.jobs.config_file import config_to_toml, read_config
from piggygan.jobs.evaluating.scoring import score_side
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.pages.pictures import draw_pairs
from piggygan.jobs.pages.task_page import write_task_page
from piggygan.jobs.training.beginning import read_beginning, write_beginning
from piggygan.jobs.training.course import course_of, learn, put_chosen
from piggygan.jobs.training.learner import Learner, generator_of_own
from piggygan.jobs.training.looking import warnings_kept
from piggygan.jobs.training.preparing import Prepared, opened, prepare
from piggygan.jobs.training.result import read_result
from piggygan.jobs.training.several import check_one_process
from piggygan.registry import TaskRegistry
from piggygan.registry.locking import locked


def compare_task(
    folder: str | os.PathLike[str],
    task: str,
    methods: tuple[str, ...] = tuple(RIVALS),
    *,
    progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> list[Rivalled]:
    """Learn a committed task by other methods, and see what became of earlier tasks.

    The registry is read, not changed. The same call after a stop goes on.

    Args:
        folder: Of the run.
        task: A task that :func:`~piggygan.jobs.training.run.train_task` committed.
        methods: ``"fine-tuning"``, which starts as the task did and lets the whole network learn; ``"separate"``, a
            network from random numbers.
        progress: Show a bar on the error channel.
        tell: Called with what is done, line by line.

    Returns:
        What came of each method, in their order.

    Raises:
        ConfigurationError: If a method is not known, or the first task is to be fine-tuned.
        TaskNotFoundError: If the task was not learned here, or is not committed yet.
        DataError: If its data cannot be used any more, or are others.
        TrainingError: As of :func:`piggygan.training.train`.

    Example:
        >>> from piggygan.errors import TaskNotFoundError
        >>> try:
        ...     compare_task("nowhere", "lungs", ("separate",))
        ... except TaskNotFoundError as error:
        ...     print(str(error).partition(":")[0])
        'lungs' was not learned and committed in 'nowhere'
    """
    check_one_process("learning by other methods")
    run, methods = RunFolder.at(folder), check_methods(methods)
    files = run.task(task)
    if read_beginning(files) is None or read_result(files) is None:
        raise TaskNotFoundError(
            f"{task!r} was not learned and committed in {shown(run.root)}: there is nothing to compare. Train it first."
        )
    ours: Prepared | None = None
    found = []
    for method in methods:
        rival = TaskFolder(files.rival(method), f"{task} by {method}")
        done = read_rivalled(rival)
        if done is None:
            if tell is not None:
                tell(f"{task} once more, by {method}")
            ours = ours or _prepared_again(run, files)
            done = _rivalled(run, ours, rival, method, progress)
        found.append(done)
    write_task_page(files)
    return found


def check_comparable(folder: str | os.PathLike[str], task: str, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of methods, each once, before anything is learned.

    Args:
        folder: Of the run.
        task: A task, learned or to be learned.
        methods: What it is to be compared with.

    Raises:
        ConfigurationError: If a method is not known, or the first task is to be fine-tuned.

    Example:
        >>> check_comparable("nowhere", "facades", ("separate",))
        ('separate',)
    """
    methods = check_methods(methods)
    if methods:
        check_one_process("--compare")
    if "fine-tuning" in methods and TaskRegistry(RunFolder.at(folder).registry_folder).tasks[:1] in ((), (task,)):
        raise ConfigurationError(nothing_to_fine_tune(task))
    return methods


def _prepared_again(run: RunFolder, files: TaskFolder) -> Prepared:
    begun = read_config(files.config)
    untracked = replace(begun.training, tracker="none", track="numbers")  # what was asked for was the task's own curve
    return prepare(run, files.name, replace(begun, training=untracked))


def _rivalled(run: RunFolder, ours: Prepared, rival: TaskFolder, method: str, progress: bool) -> Rivalled:
    """Learn a task by another method, or go on with that."""
    learner = RIVALS[method](ours)
    torch.manual_seed(ours.config.training.seed)  # of what judges and varies, whichever method is judged
    prepared = replace(ours, files=rival, learner=learner)
    course = course_of(prepared)
    make_folder(rival.root)
    with locked(rival.root, "flock", 0.0), warnings_kept(rival.warnings):
        write_beginning(rival, ours.beginning)
        write_durably(rival.config, config_to_toml(ours.config).encode())
        history = learn(prepared, course, progress)
        put_chosen(prepared, course.objective, history)
        batch_size = int(ours.config.training.batch_size or 1)
        sides = {"val": ours.data.validation, "test": ours.data.test}
        notes: list[str] = []
        found = Rivalled(
            task=ours.files.name,
            method=method,
            kind=ours.data.kind,
            scores={
                name: score_side(learner, ours.data, side, batch_size).scores
                for name, side in sides.items()
                if side is not None
            },
            epochs=len(history.epochs),
            seconds=sum(record.seconds for record in history.epochs),
            parameters=sum(cost.parameters for model in learner.models.values() for cost in model.overhead().tasks),
            earlier=dict(_earlier(run, prepared, notes)) if method == "fine-tuning" else {},
            notes=tuple(notes),
        )
        write_task_page(rival)
        write_rivalled(rival, found)
        if not ours.config.training.keep_checkpoints and rival.checkpoints.is_dir():
            shutil.rmtree(rival.checkpoints)
    return found


def _earlier(run: RunFolder, prepared: Prepared, notes: list[str]) -> Iterator[tuple[str, Earlier]]:
    """See what became of each task before this one, where its data are still at hand."""
    registry = prepared.registry
    for task in registry.tasks[: registry.tasks.index(prepared.learner.task)]:
        try:
            yield task, _seen(run, registry, prepared, task)
        except (PiggyganError, OSError) as error:
            notes.append(f"what became of {task!r} cannot be said: {error}")


def _seen(run: RunFolder, registry: TaskRegistry, prepared: Prepared, task: str) -> Earlier:
    files = run.task(task)
    beginning, result = read_beginning(files), read_result(files)
    if beginning is None or result is None:
        raise ConfigurationError(f"it was not learned in {shown(run.root)}.")
    config = read_config(files.config)
    data = opened(files, config, int(config.network.size or 0), beginning.in_channels, beginning)
    own = {name: generator_of_own(registry, config.network.net, name) for name in registry.networks}
    stored = Learner({name: registry.load([task], own[name], network=name) for name in registry.networks}, task)
    side, name = (data.test, "test") if data.test is not None else (data.validation, "val")
    device, batch_size = prepared.learner.device, int(config.training.batch_size or 1)
    kept = score_side(stored.to(device), data, side, batch_size)
    rival = ReadAs(prepared.learner.models, prepared.learner.task, data.out_channels, data.in_channels)
    if rival.generator.input_channels(rival.task) != data.in_channels:
        raise ConfigurationError(f"it takes {data.in_channels} channels, and the network another number now.")
    left = score_side(rival, data, side, batch_size)
    method = prepared.files.root.name
    draw_pairs(prepared.files.earlier(task), data.kind, side, {OURS: stored, f"after {method}": rival})
    return Earlier(result.kind, name, kept.scores, kept.outputs == result.digests["outputs"], left.scores)
