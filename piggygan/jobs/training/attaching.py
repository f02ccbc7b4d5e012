"""What train keeps beside a task, added to one that was committed without it; its bits stay what they are."""

from __future__ import annotations

import os
from dataclasses import replace

from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.regular import shown
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import read_config
from piggygan.jobs.data import DataConfig, open_task_data
from piggygan.jobs.defaults import variations
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.committing import attachments_of
from piggygan.jobs.training.learner import loaded_learner
from piggygan.registry import TaskRegistry


def attach_to_task(
    folder: str | os.PathLike[str], task: str, data: DataConfig | None = None, *, net: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Add the features of its films and the calibration of its masks to a committed task, if it lacks them.

    Both are computed from the task's own data, which are looked for where it was trained. Its tensors, its certificate
    and what it has already are not touched; signatures are to be made anew.

    Args:
        folder: Of the run, or a registry.
        task: Its name, or that of an ensemble, whose members each get their own.
        data: The data that it was trained on, if its training folder is gone or they lie elsewhere.
        net: Makes a network of your own, as ``module:function``.

    Returns:
        What was added, by task.

    Raises:
        TaskNotFoundError: If there is no such task.
        ConfigurationError: If nothing says what its data are, or at which size it was trained.
        DataError: If they cannot be used, or are others than those that it was trained on.
        RegistryError: If it cannot be loaded or written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import piggygan as pg
        >>> from piggygan.data.synthetic.xrays import write_xrays
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2, out_channels=1), "lungs")
        >>> model.freeze_task("lungs")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_xrays(f"{folder}/films", 10, 32, seed=0)
        ...     TaskRegistry(f"{folder}/clinic").commit(model, "lungs", image_size=32)
        ...     attach_to_task(f"{folder}/clinic", "lungs", DataConfig(Path(folder, "films")))
        {'lungs': ('calibration',)}
    """
    run = RunFolder.at(folder)
    registry = TaskRegistry(run.registry_folder)
    tasks = registry.ensembles.get(task, (task,))
    return {name: _attached(run, registry, name, data, net) for name in tasks}


def _attached(
    run: RunFolder, registry: TaskRegistry, task: str, data: DataConfig | None, net: str | None
) -> tuple[str, ...]:
    record, files = registry.describe(task), run.task(task)
    if record.image_size is None:
        raise ConfigurationError(
            f"the registry does not say at which size {task!r} was trained, so that nothing can be said of its films."
        )
    config = read_config(files.config) if files.config.is_file() else TrainConfig()
    if data is None and not files.config.is_file():
        raise ConfigurationError(
            f"there is no {shown(files.config)}, which would say what {task!r} was trained on: name its data."
        )
    named = data or config.data
    if data is None or (named.splits is None and files.splits.is_file()):
        named = replace(named, splits=files.splits)
    learner = loaded_learner(registry, task, (task,), net or config.network.net)
    opened = open_task_data(
        named,
        size=record.image_size,
        seed=config.training.seed,
        augmentation=variations(config.training.augmentation),
        in_channels=learner.generator.input_channels(task),
        unpaired=config.training.objective == "cyclegan",
    )
    known = record.data.fingerprint if record.data is not None else None
    if known not in (None, opened.fingerprint):
        raise DatasetError(
            f"the data are not those that {task!r} was trained on: other names, bytes or sides. Name those, with their "
            f"splits.json; nothing was added."
        )
    lacking = {
        name: tensors
        for name, tensors in attachments_of(learner, opened, int(config.training.batch_size or 1)).items()
        if name not in record.attachments
    }
    for name, tensors in lacking.items():
        registry.attach(task, name, tensors)
    return tuple(lacking)
