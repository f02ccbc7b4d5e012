"""Films read, translated and made by tasks of Ray, some films each, on whatever machines the cluster has.

This process keeps the journal and gives outputs their names, as ever. A task only stages files and says what it made.
So one that Ray starts twice, since a machine died, leaves nothing twice. All machines have to see the registry, the
films and the output folder under the same paths.
"""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from piggygan.errors import DecoderCrashError, PiggyganError, PredictionError
from piggygan.files.regular import shown
from piggygan.prediction.films import reading
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.loaded import load_network
from piggygan.prediction.making import Made, Maker, refused
from piggygan.prediction.running import outcomes_here
from piggygan.prediction.summary import RefusedFile
from piggygan.registry import TaskRegistry
from piggygan.terminal.about import __version__

MOST_FILMS = 100
"""Films of a task at most: loading the network, about a second, is then little beside them."""
_RETRIES = 3
"""How often Ray starts a task again whose process or machine died, before its films are tried one by one."""


@dataclass(frozen=True)
class Order:
    """What a machine has to know to predict films as this one would.

    Attributes:
        job: What is asked of each film.
        members: The task, or the members of the ensemble: exactly these versions.
        registry: Folder of the registry.
        network: Which of several networks.
        staging: Folder for what is made.
        together: How many films are translated at once.
        here: The folder in which paths begin.
        versions: Of what outputs may depend on.
    """

    job: Job
    members: tuple[str, ...]
    registry: Path
    network: str | None
    staging: Path
    together: int
    here: Path
    versions: str

    @classmethod
    def of(
        cls, job: Job, members: tuple[str, ...], registry: Path, network: str | None, staging: Path, together: int
    ) -> Order:
        """Make one of what this process knows."""
        return cls(job, members, registry.absolute(), network, staging.absolute(), together, Path.cwd(), _versions())


def outcomes_by_ray(ray: Any, files: Iterator[InputFile], order: Order, count: int) -> Generator[Made | RefusedFile]:
    """Predict films by tasks of one core each, of one thread, so that outputs are those of one process of one thread.

    Args:
        ray: The package, connected to a cluster.
        files: The films.
        order: The rest.
        count: About how many films there are.

    Yields:
        What came of each film, in any order.

    Raises:
        PredictionError: If nothing more can be written, or a machine has other versions or no piggygan.
    """
    on_gpu = int(torch.device(order.job.options.device).type == "cuda")
    make = ray.remote(num_cpus=1, num_gpus=on_gpu, max_retries=_RETRIES)(predict_films)
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    size = min(MOST_FILMS, max(1, count // (4 * cores)))
    waiting: dict[Any, list[InputFile]] = {}
    while True:
        while len(waiting) < 2 * cores and (films := list(islice(files, size))):
            waiting[make.remote(order, films)] = films
        if not waiting:
            return
        (ready,), _ = ray.wait(list(waiting), num_returns=1)
        films = waiting.pop(ready)
        try:
            outcomes = ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, PiggyganError):
                raise cause from None
            raise PredictionError(f"a task of Ray failed ({cause}): is piggygan installed on every machine?") from error
        except ray.exceptions.RayError:  # its process died each time: the film that it died of is found
            if len(films) == 1:
                yield refused(films[0], _died(films[0]))
            else:
                waiting |= {make.remote(order, [film]): [film] for film in films}
        else:
            yield from outcomes


def predict_films(order: Order, films: list[InputFile]) -> list[Made | RefusedFile]:
    """Predict some films, and stage what is made of them; Ray calls this in a process of its own.

    Raises:
        PredictionError: If nothing can be written, or this machine would predict by something else.
    """
    if _versions() != order.versions:
        raise PredictionError(
            f"the machine {os.uname().nodename} has {_versions()}, and the one that asks {order.versions}: install the "
            f"same on all, or outputs may differ."
        )
    os.chdir(order.here)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    job = order.job
    loaded = load_network(TaskRegistry(order.registry), order.members, job.options, order.network)
    if loaded.certificate != job.algorithm.certificate:
        raise PredictionError(
            f"{shown(order.registry)} holds another {job.algorithm.task!r} now: start the same again."
        )
    own = order.staging / uuid.uuid4().hex
    own.mkdir()
    with reading(job.options) as source:
        outcomes = outcomes_here(films, Maker(job, source, own), loaded.network, order.together)
        return [_staged_below(own.name, outcome) for outcome in outcomes]


def _staged_below(folder: str, outcome: Made | RefusedFile) -> Made | RefusedFile:
    if isinstance(outcome, RefusedFile):
        return outcome
    return replace(outcome, staged={inside: f"{folder}/{name}" for inside, name in outcome.staged.items()})


def _versions() -> str:
    return f"piggygan {__version__}, torch {torch.__version__}"


def _died(file: InputFile) -> DecoderCrashError:
    return DecoderCrashError(f"{shown(file.path)} cannot be used: each process that predicted it ended.")
