"""Engines: who learns the trials of a sweep: this process, Ray, or Slurm. The two are other people's, and optional.

Ray: plain remote tasks, one a trial. Ray Tune is not needed: trials are known beforehand, are ranked at their end and
go on from their own checkpoints, and Tune would bring pandas, pyarrow and tensorboardX with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from piggygan.errors import ConfigurationError
from piggygan.jobs.sweeping.trial import Trial, learn_trial
from piggygan.prediction.ray_cluster import ray_cluster, ray_package

EngineName = Literal["here", "ray", "slurm"]
Done = Callable[[Trial], None]
_RETRIES = 3
"""How often Ray starts a trial again whose process or machine died."""


def check_engine(engine: EngineName) -> None:
    """Refuse an engine that is not there.

    Raises:
        ConfigurationError: If it is not installed, and names the extra; or if this machine has no Slurm.
    """
    if engine == "ray":
        ray_package()
    if engine == "slurm":
        try:
            import_module("submitit")
        except ImportError as error:
            raise ConfigurationError("--engine slurm needs submitit: pip install 'piggygan[slurm]'.") from error
        if shutil.which("sbatch") is None:
            raise ConfigurationError(
                "--engine slurm needs sbatch, which is not here: start it where jobs are submitted."
            )


def learn_here(trials: Sequence[Trial], registry: Path, done: Done, progress: bool) -> None:
    """Learn trials one after another in this process."""
    for trial in trials:
        learn_trial(trial.task, str(trial.folder), str(registry), progress)
        done(trial)


def learn_by_ray(trials: Sequence[Trial], registry: Path, done: Done, on_gpu: bool = False) -> None:
    """Learn trials on a Ray cluster, a task each of one core, and of one GPU if they are learned there.

    All machines have to see the folder of the run and the data under the same paths. A trial whose machine dies is
    started again elsewhere, and goes on from its checkpoint.
    """
    with ray_cluster() as ray:
        learn = ray.remote(num_cpus=1, num_gpus=int(on_gpu), max_retries=_RETRIES)(learn_trial)
        waiting = {learn.remote(trial.task, str(trial.folder), str(registry)): trial for trial in trials}
        while waiting:
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            trial = waiting.pop(ready)
            _noted(trial, partial(ray.get, ready))
            done(trial)


class _Resumed:
    """What submitit runs: a trial, which is submitted again where its time ends, and goes on from its checkpoint."""

    def __call__(self, task: str, folder: str, registry: str) -> None:
        learn_trial(task, folder, registry)

    def checkpoint(self, task: str, folder: str, registry: str) -> Any:
        return import_module("submitit.helpers").DelayedSubmission(self, task, folder, registry)


def learn_by_slurm(
    trials: Sequence[Trial],
    registry: Path,
    done: Done,
    on_gpu: bool = False,
    *,
    hours: float = 24.0,
    cluster: Literal["slurm", "local"] = "slurm",
) -> None:
    """Learn trials as jobs of Slurm, by submitit, which keeps its scripts and logs in ``submitit`` beside them.

    Partition, account and the like are said as everywhere, by SBATCH_PARTITION and SBATCH_ACCOUNT.

    Args:
        trials: All of one sweep.
        registry: Of the run.
        done: Called with each that has ended.
        on_gpu: Each takes a GPU.
        hours: After which a job is ended and submitted again.
        cluster: ``"local"`` starts all of them on this machine at once, which is for tests.
    """
    submitit = import_module("submitit")
    executor = submitit.AutoExecutor(folder=trials[0].folder.parent / "submitit", cluster=cluster)
    minutes = max(1, round(60 * hours))
    executor.update_parameters(name="piggygan", timeout_min=minutes, cpus_per_task=1, gpus_per_node=int(on_gpu))
    with executor.batch():
        jobs = [executor.submit(_Resumed(), trial.task, str(trial.folder), str(registry)) for trial in trials]
    trial_of = {job.job_id: trial for job, trial in zip(jobs, trials, strict=True)}
    for job in import_module("submitit.helpers").as_completed(jobs, poll_frequency=1):
        trial = trial_of[job.job_id]
        _noted(trial, job.result)
        done(trial)


def _noted(trial: Trial, result: Callable[[], object]) -> None:
    """Take what an engine says of a trial; what it lost is written down as the trial's failure."""
    try:
        result()
    except Exception as error:
        if trial.result is None:
            trial.note(error)
