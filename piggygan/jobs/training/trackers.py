"""Programs that draw the curves of many trainings, opened through accelerate, and only when one is asked for."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any, Literal
from uuid import uuid4

from piggygan.errors import ConfigurationError
from piggygan.jobs.config import LearningConfig
from piggygan.jobs.folder import TaskFolder

WITH_PICTURES = ("tensorboard", "wandb")
PROJECT = "piggygan"
"""What trainings are found under; WANDB_PROJECT and MLFLOW_EXPERIMENT_NAME say otherwise."""
_WANDB = {  # by itself it would send the command, which names files, and what is printed
    "console": "off",
    "save_code": False,
    "disable_git": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
}


def asked_tracker(chosen: LearningConfig) -> str | None:
    """Return the tracker that is asked for, if any.

    Example:
        >>> asked_tracker(LearningConfig(tracker="none")) is None
        True
    """
    return None if chosen.tracker in (None, "none") else chosen.tracker


def check_tracker(chosen: LearningConfig) -> None:
    """Refuse a tracker that is not installed, and pictures where none are shown.

    Raises:
        ConfigurationError: Says what to install, or what to take.
    """
    name = asked_tracker(chosen)
    if name is not None and find_spec(name) is None:
        raise ConfigurationError(f"--tracker {name} is not installed here: pip install {name}, or leave it out.")
    if name not in WITH_PICTURES and chosen.track == "pictures":
        raise ConfigurationError(
            f"--track pictures needs a tracker that shows them, and --tracker is {name or 'none'}: take "
            f"{' or '.join(WITH_PICTURES)}, or leave it out."
        )


def open_tracker(name: str, files: TaskFolder, run: str | None) -> tuple[Any, str]:
    """Open a tracker.

    Args:
        name: tensorboard, wandb, trackio or mlflow.
        files: Of the task; what a tracker keeps on this machine lies there, if it can be told so.
        run: What it calls the training, if it knows it; it then goes on with that.

    Returns:
        accelerate's tracker, and what it calls the training.
    """
    from accelerate import tracking

    label = f"{files.root.absolute().parent.parent.name}-{files.name}"
    own = run or uuid4().hex[:8]
    tracker: Any
    if name == "tensorboard":
        tracker = tracking.TensorBoardTracker("tensorboard", files.root)
    elif name == "wandb":
        project = os.environ.get("WANDB_PROJECT", PROJECT)
        tracker = tracking.WandBTracker(
            project, id=own, name=label, resume="allow", dir=str(files.root), settings=_WANDB
        )
    elif name == "trackio":
        tracker = tracking.TrackioTracker(PROJECT, name=f"{label}-{own}", resume="allow")
    else:
        tracker = tracking.MLflowTracker(PROJECT, run_id=run, run_name=label)
    tracker.start()
    return tracker, tracker.tracker.info.run_id if name == "mlflow" else own


def picture_form(name: str) -> dict[Literal["dataformats"], str]:
    """Say how pictures of rows, columns and colours are handed to a tracker."""
    return {"dataformats": "NHWC"} if name == "tensorboard" else {}
