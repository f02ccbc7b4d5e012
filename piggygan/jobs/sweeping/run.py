"""A sweep from its settings to a ranking; started again, it goes on with what is not learned."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from piggygan.errors import TaskExistsError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder, shown
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import with_paths_from
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.sweeping.engines import EngineName, check_engine, learn_by_ray, learn_by_slurm, learn_here
from piggygan.jobs.sweeping.ranking import CHOSEN_BY_VALIDATION, SUMMARY, SweptTask, rank
from piggygan.jobs.sweeping.settings import Setting, command_words, read_settings, setting_words, with_setting
from piggygan.jobs.sweeping.trial import Trial
from piggygan.jobs.training.course import course_of
from piggygan.jobs.training.plan import spoken, training_seconds
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.jobs.training.run import kept_from_others
from piggygan.jobs.training.several import check_one_process
from piggygan.networks.checks import check_at_least
from piggygan.registry import TaskRegistry

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Sweep:
    """What is to be learned, checked; nothing is written yet.

    Attributes:
        run: Where.
        task: What is learned.
        config: What all trials have in common.
        settings: What is varied.
        splits: File for the names on each side, which all trials have in common.
        prepared: The first trial, as it would be learned.
        trials: All of them, each with every option.
    """

    run: RunFolder
    task: str
    config: TrainConfig
    settings: list[Setting]
    splits: Path
    prepared: Prepared
    trials: dict[Trial, TrainConfig]


def sweep_task(
    folder: str | os.PathLike[str],
    task: str,
    config: TrainConfig | None = None,
    *,
    vary: Sequence[str] = (),
    seeds: int = 1,
    engine: EngineName = "here",
    hours: float = 24.0,
    progress: bool = True,
    tell: Tell | None = None,
) -> SweptTask:
    """Learn one task with several settings and seeds, each in a folder of its own, and rank them by validation score.

    Every trial is an ordinary training, on a copy of the registry whose objects are links: the run itself is not
    changed. All of them have the same files on each side. The same call after any stop goes on; a trial that has a
    result is not learned again, and one that failed is tried again. Which is best is chosen on the validation side, so
    its score there is too good; the test side is for the one that is learned in the run afterwards.

    Args:
        folder: Of the run, or a registry.
        task: What is learned; the registry has no such task yet.
        config: As of :func:`~piggygan.jobs.training.run.train_task`, of all trials.
        vary: Options and values, such as ``"learning_rate=2e-4,8e-4"``; every value is combined with every other.
        seeds: How many seeds each setting is learned with, from ``config.training.seed`` on.
        engine: ``"here"``: one after another in this process; ``"ray"``: on a Ray cluster; ``"slurm"``: as jobs.
        hours: Of a job of Slurm.
        progress: Show a bar on the error channel, where trials are learned here.
        tell: Called with a line for each trial that has ended.

    Returns:
        The ranking, which is also in ``sweeps/TASK/sweep.json`` and ``sweep.csv``.

    Raises:
        ConfigurationError: If ``vary`` names no option, or no value of one, or the engine is not there.
        PiggyganError: As of :func:`~piggygan.jobs.training.run.train_task`, where it can be known beforehand.

    Example:
        >>> import tempfile
        >>> from piggygan.data.synthetic.facades import write_facades
        >>> from piggygan.jobs import DataConfig, LearningConfig, NetworkConfig
        >>> folder = tempfile.TemporaryDirectory()
        >>> for seed, side in enumerate(("train", "val")):
        ...     _ = write_facades(Path(folder.name, "data", side), 2, 32, seed=seed)
        >>> small = NetworkConfig(size=32, width=2)
        >>> config = TrainConfig(DataConfig(Path(folder.name, "data")), small, training=LearningConfig(epochs=1))
        >>> swept = sweep_task(f"{folder.name}/exp", "facades", config, vary=["l1_weight=1,100"], progress=False)
        >>> sorted(one.setting["l1_weight"] for one in swept.ranked), swept.is_complete
        ([1.0, 100.0], True)
        >>> folder.cleanup()
    """
    check_engine(engine)
    sweep = _prepared(folder, task, config or TrainConfig(), vary, seeds)
    place = sweep.run.sweep(task)
    make_folder(place)
    with kept_from_others(place, f"the sweep of {task!r}"):
        write_durably(sweep.splits, _splits_content(sweep.prepared))
        for trial, options in sweep.trials.items():
            trial.write_options(options)
        open_ones = [trial for trial in sweep.trials if trial.result is None]
        ended = len(sweep.trials) - len(open_ones)

        def done(trial: Trial) -> None:
            nonlocal ended
            ended += 1
            if tell is not None:
                result, failure = trial.result, trial.failure
                said = str(result).partition("\n")[0] if result is not None else f"failed: {failure and failure.reason}"
                tell(f"[{ended}/{len(sweep.trials)}] {trial.words}: {said}")

        if tell is not None:
            tell(f"{task}: {len(sweep.trials)} trainings, {ended} of them done; in {place}")
        registry, on_gpu = sweep.run.registry_folder.absolute(), sweep.config.training.device == "cuda"
        if open_ones and engine == "ray":
            learn_by_ray(open_ones, registry, done, on_gpu)
        elif open_ones and engine == "slurm":
            learn_by_slurm(open_ones, registry, done, on_gpu, hours=hours)
        else:
            learn_here(open_ones, registry, done, progress)
        return _ranked(folder, sweep, place)


def plan_sweep(
    folder: str | os.PathLike[str],
    task: str,
    config: TrainConfig | None = None,
    *,
    vary: Sequence[str] = (),
    seeds: int = 1,
) -> list[str]:
    """Say how many trainings :func:`sweep_task` would do and about how long they take; nothing is written.

    Raises:
        PiggyganError: As of :func:`sweep_task`, of any setting.
    """
    sweep = _prepared(folder, task, config or TrainConfig(), vary, seeds)
    done = sum(trial.result is not None for trial in sweep.trials)
    count = f"{len(sweep.settings)} setting{'s' * (len(sweep.settings) != 1)} x {seeds} seed{'s' * (seeds != 1)}"
    lines, total = [f"{task}: {len(sweep.trials)} trainings ({count}), {done} of them done"], 0.0
    for setting in sweep.settings:
        own = with_setting(sweep.config, setting)
        seconds = training_seconds(prepare(_apart(sweep.run, task), task, own))
        left = sum(trial.setting == setting and trial.result is None for trial in sweep.trials)
        total += seconds * left
        lines.append(f"{setting_words(setting)}: a training takes about {spoken(seconds)} here")
    lines.append(f"what is left takes about {spoken(total)}, besides reading, validation and checkpoints")
    return [*lines, CHOSEN_BY_VALIDATION.replace("the line below", "the line that is printed then")]


def _prepared(folder: str | os.PathLike[str], task: str, config: TrainConfig, vary: Sequence[str], seeds: int) -> Sweep:
    """Check what can be checked before anything is written."""
    check_one_process("a sweep")
    check_at_least(1, seeds=seeds)
    settings = read_settings(vary)
    config = with_paths_from(config, Path.cwd())
    for setting in settings:
        with_setting(config, setting)  # a value that no option may have
    run = RunFolder.at(folder)
    registry = TaskRegistry(run.registry_folder)
    if task in registry.tasks:
        raise TaskExistsError(
            f"{shown(registry.folder)} holds {task!r}, which is frozen: sweep under another name. What a sweep of it "
            f"came to is in {shown(run.sweep(task) / SUMMARY)}."
        )
    first = prepare(_apart(run, task), task, with_setting(config, settings[0]))
    for setting in settings:
        if "objective" not in setting:  # which decides how the data are read
            course_of(replace(first, config=with_setting(first.config, setting)))
    sides = hashlib.sha256(_splits_content(first)).hexdigest()[:8]
    place = run.sweep(task).absolute()
    splits = place / f"splits-{sides}.json"
    data = replace(config.data, splits=splits, split=None, split_by=None)
    origin = f"{first.beginning.fingerprint} {registry.digest if registry.tasks else 'no registry'}"
    trials = {}
    for setting in settings:
        for number in range(seeds):
            own = with_setting(replace(config, data=data), setting)
            learning = replace(own.training, seed=config.training.seed + number, commit_anyway=True)
            own = replace(own, training=learning)
            trials[Trial.of(place, task, setting, own, origin)] = own
    return Sweep(run, task, config, settings, splits, first, trials)


def _ranked(folder: str | os.PathLike[str], sweep: Sweep, place: Path) -> SweptTask:
    words = {setting_words(setting): command_words(with_setting(sweep.config, setting)) for setting in sweep.settings}
    command = ["piggygan", "train", os.fspath(folder), "--task", sweep.task]
    swept = rank(sweep.task, sweep.trials, command, words)
    swept.write(place)
    return swept


def _apart(run: RunFolder, task: str) -> RunFolder:
    """Say where a trial would be learned that nobody has begun."""
    return RunFolder(run.sweep(task) / "planned", run.registry_folder)


def _splits_content(prepared: Prepared) -> bytes:
    return (json.dumps(prepared.data.splits, indent=1) + "\n").encode()
