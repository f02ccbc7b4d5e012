"""From folders to a committed task: each stage finds out by itself whether it is done, so that a stop costs nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from piggygan.errors import (
    NotLearnedError,
    PiggyganError,
    RegistryLockedError,
    TaskExistsError,
    TaskInUseError,
    TaskStateError,
)
from piggygan.files.durable import sweep_killed, write_durably
from piggygan.files.regular import make_folder, shown
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import config_to_toml, read_config, with_paths_from
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.pages.task_page import write_task_page
from piggygan.jobs.training.beginning import read_beginning, write_beginning
from piggygan.jobs.training.committing import commit_and_verify
from piggygan.jobs.training.course import course_of, learn, put_chosen
from piggygan.jobs.training.floor import unlearned
from piggygan.jobs.training.following import followed
from piggygan.jobs.training.looking import keep_warning, warnings_kept
from piggygan.jobs.training.plan import describe_plan
from piggygan.jobs.training.preparing import Prepared, differences, filled_in, other_data, other_words, prepare
from piggygan.jobs.training.result import TrainedTask, read_result
from piggygan.jobs.training.several import Crew, crew_of, learn_along
from piggygan.registry import Member, TaskRegistry
from piggygan.registry.locking import locked

Tell = Callable[[str], None]


def train_task(
    folder: str | os.PathLike[str],
    task: str,
    config: TrainConfig | None = None,
    *,
    progress: bool = True,
    tell: Tell | None = None,
    member: Member | None = None,
) -> TrainedTask:
    """Learn a task from folders of files, and commit it: the first of a new registry, or one more of an old one.

    Checks the data, says what the task costs, chooses the task that it starts as, trains, scores the validation side
    while it goes and the test side once, freezes, commits, and verifies what was committed. What may show patients is
    written beside the registry, see :class:`~piggygan.jobs.folder.RunFolder`.

    In several processes (``torchrun``) each calls it: the main one decides, writes and commits, all of them learn, and
    a step learns from ``batch_size`` pictures of each. All need to see the folder.

    The same call after a stop of any kind goes on, to the same bytes. More ``epochs`` than before go on with a task
    that is not committed yet; other options are refused. A task that is committed is never touched: the same call
    again returns what came of it.

    Args:
        folder: Of the run, or a registry; made if it is new.
        task: Its name: 1 to 64 of a-z, 0-9, ``_`` and ``-``.
        config: All that can be chosen; what is None in it is chosen by the kind of data
            (:mod:`piggygan.jobs.defaults`), or is as it was when the task was begun.
        progress: Show a bar on the error channel.
        tell: Called with what a person should know before the training begins, line by line.
        member: Its place in an ensemble; :func:`~piggygan.jobs.training.ensemble.train_ensemble` gives it.

    Returns:
        What came of it.

    Raises:
        ConfigurationError: If options contradict each other, the data or the registry.
        DataError: If the data cannot be used, or are others than when the task was begun.
        TaskExistsError, TaskStateError: If the registry holds a task of this name, learned elsewhere or otherwise.
        TaskInUseError: If another process is learning it, or the first task of this registry.
        ResumeError: If it was begun with other options.
        NotLearnedError: If it scores no more on the validation side than one and the same answer for every input, and
            ``config.training.commit_anyway`` is not set. It is then not frozen; the same call with more epochs goes on.
        ProcessLostError: If another of several processes ended or was killed.
        TrainingError: As of :func:`piggygan.training.train`.
        RegistryError: If it cannot be committed, or does not verify; it is then not in the registry.

    Example:
        >>> import tempfile
        >>> from piggygan.data.synthetic.facades import write_facades
        >>> from piggygan.jobs import DataConfig, LearningConfig, NetworkConfig
        >>> folder = tempfile.TemporaryDirectory()
        >>> for seed, side in enumerate(("train", "val")):
        ...     _ = write_facades(Path(folder.name, "data", side), 2, 32, seed=seed)
        >>> small = NetworkConfig(size=32, width=2)
        >>> briefly = LearningConfig(epochs=1, commit_anyway=True)  # one epoch learns nothing
        >>> config = TrainConfig(DataConfig(Path(folder.name, "data")), small, training=briefly)
        >>> task = train_task(Path(folder.name, "exp"), "facades", config, progress=False)
        >>> task.verified
        ('facades: equal',)
        >>> folder.cleanup()
    """
    run = RunFolder.at(folder)
    files, registry = run.task(task), TaskRegistry(run.registry_folder)
    config = with_paths_from(config or TrainConfig(), Path.cwd())
    with crew_of(config.training) as crew:
        done = _finished(files, registry, config) if crew.is_main else None
        if not crew.is_left(done is None):
            return done or _result(files, registry, config)
        if not crew.is_main:
            learn_along(crew, run, task, config)
            return _result(files, registry, config)
        return _learned(crew, prepare(run, task, config, member), run, progress, tell)


def _learned(crew: Crew, prepared: Prepared, run: RunFolder, progress: bool, tell: Tell | None) -> TrainedTask:
    """Learn what was prepared, commit it, and close its folder."""
    files = prepared.files
    course = course_of(prepared)
    if tell is not None:
        for line in describe_plan(prepared):
            tell(line)
    with _held(run, prepared), warnings_kept(files.warnings), _begun(prepared) as follow:
        crew.wait()
        history = learn(prepared, course, progress, follow)
        follow()  # of what a stop kept from it
        kept = put_chosen(prepared, course.objective, history)
        result = commit_and_verify(prepared, history, kept, _checked_to_be_learned(prepared, len(history.epochs), kept))
        _closed(files, prepared.config)
    crew.wait()
    return result


def _result(files: TaskFolder, registry: TaskRegistry, config: TrainConfig) -> TrainedTask:
    """Return what the main process wrote down."""
    if (found := _finished(files, registry, config)) is None:
        raise TaskStateError(f"{files.name!r} was committed, and {shown(files.result)} is gone: start the same again.")
    return found


def _finished(files: TaskFolder, registry: TaskRegistry, config: TrainConfig) -> TrainedTask | None:
    """Return what came of a task that is committed; None if there is something left to do."""
    if files.name not in registry.tasks:
        return None
    if read_beginning(files) is None:
        raise TaskExistsError(
            f"{shown(registry.folder)} holds a task {files.name!r}, which was not learned here, and is frozen: choose "
            f"another name."
        )
    former, result = read_config(files.config), read_result(files)
    now = filled_in(config, former)
    others = differences(now, former)
    if config.training.epochs not in (None, former.training.epochs):
        others.append(f"epochs was {former.training.epochs}, is {config.training.epochs}")
    others += other_data(now.data, former.data) + other_words(now.provenance, former.provenance)
    if others:
        raise TaskStateError(
            f"{files.name!r} is committed, and frozen for ever ({'; '.join(others[:5])}): learn it otherwise under "
            f"another name."
        )
    if result is None and not files.checkpoints.is_dir():
        raise TaskExistsError(
            f"{shown(registry.folder)} holds {files.name!r}, and what it was learned from is gone from "
            f"{shown(files.root)}: nothing can be added to it. Use it as it is, or choose another name."
        )
    if result is not None:
        _closed(files, former)
    return result


@contextmanager
def _held(run: RunFolder, prepared: Prepared) -> Iterator[None]:
    """Keep others out of this task, of the first place in the registry, and from removing what is drawn on."""
    files, registry = prepared.files, prepared.registry
    was_there = files.root.is_dir()
    with ExitStack() as stack:
        try:
            make_folder(files.root)
            stack.enter_context(kept_from_others(files.root, f"the task {files.name!r}"))
            if prepared.beginning.is_first and files.name not in registry.tasks:
                what = f"the first task of {shown(registry.folder)}, on which all later ones build"
                stack.enter_context(kept_from_others(run.root, what))
            _check_still_so(prepared)
            sweep_killed(files.root)
        except (PiggyganError, OSError):
            stack.close()
            if not was_there:
                _removed_if_empty(files)
            raise
        if prepared.beginning.draws_on:
            stack.enter_context(registry.lease(prepared.beginning.draws_on))
        yield


@contextmanager
def kept_from_others(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock of a folder in which something is learned.

    Raises:
        TaskInUseError: If another process holds it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, "flock", 0.0))
        except RegistryLockedError as error:
            holder = str(error).partition("locked by ")[2].partition(" for 0 seconds")[0]
            raise TaskInUseError(f"{what} is being learned by {holder}: wait until that has ended.") from error
        yield


def _check_still_so(prepared: Prepared) -> None:
    """Refuse where another process began, finished or stopped while this one prepared."""
    files, registry = prepared.files, prepared.registry
    begun = read_beginning(files) is not None
    first_is_gone = prepared.beginning.is_first and registry.tasks[:1] not in ((), (files.name,))
    if begun != prepared.goes_on or read_result(files) is not None or first_is_gone:
        raise TaskInUseError(f"another process worked on {shown(files.root.parent.parent)} meanwhile: start again.")


def _removed_if_empty(files: TaskFolder) -> None:
    """Remove a task's folder in which nothing but its lock is, and those above it that are empty then."""
    if files.root.is_dir() and all(path.name.startswith(".lock") for path in files.root.iterdir()):
        shutil.rmtree(files.root)
    for folder in (files.root.parent, files.root.parent.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _begun(prepared: Prepared) -> Iterator[Callable[[], None]]:
    """Write down what was asked for, and have it followed until the task is committed: a tracker may end slowly."""
    _write_down(prepared)
    with followed(prepared) as follow:
        yield follow


def _checked_to_be_learned(prepared: Prepared, epochs: int, kept: int) -> tuple[str, ...]:
    """Refuse to commit what is not learned, unless that is wanted; return what the record is to say of it."""
    found = unlearned(prepared, epochs, kept)
    if found is None:
        return ()
    if prepared.config.training.commit_anyway or prepared.files.name in prepared.registry.tasks:
        return (f"{found}; it was committed nevertheless, as --commit-anyway asks.",)
    keep_warning(prepared.files.warnings, f"{found}.")
    write_task_page(prepared.files)
    doubt = "whether masks are inverted" if prepared.data.kind == "masks" else "whether --direction is the right one"
    raise NotLearnedError(
        f"{found}. Nothing is frozen or committed, and all is saved: go on with more --epochs, such as --epochs "
        f"{2 * epochs}; look at {shown(prepared.files.page)} {doubt}; or commit it as it is, with --commit-anyway."
    )


def _write_down(prepared: Prepared) -> None:
    """Write what was asked for and decided; the configuration last, by which the task counts as begun."""
    files = prepared.files
    if not prepared.goes_on:
        write_durably(files.splits, (json.dumps(prepared.data.splits, indent=1) + "\n").encode())
        write_beginning(files, prepared.beginning)
        files.tracker.unlink(missing_ok=True)
    if not any(files.checkpoints.glob("*.safetensors")):  # it begins with the first epoch
        for former in (files.log, files.validation, files.warnings):
            former.unlink(missing_ok=True)
    write_durably(files.config, config_to_toml(prepared.config).encode())


def _closed(files: TaskFolder, config: TrainConfig) -> None:
    """Write the last page of a task that is committed, and take its checkpoints away, unless that is done."""
    if not files.page.exists() or files.page.stat().st_mtime_ns < files.result.stat().st_mtime_ns:
        write_task_page(files)
    if not config.training.keep_checkpoints and files.checkpoints.is_dir():
        shutil.rmtree(files.checkpoints)
