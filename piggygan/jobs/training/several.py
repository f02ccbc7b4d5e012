"""A task that several processes learn together: the main one decides, writes and commits; the others learn along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from piggygan.errors import ConfigurationError
from piggygan.files.regular import shown
from piggygan.jobs.config import LearningConfig, TrainConfig
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.course import choose_device, course_of, learn
from piggygan.jobs.training.preparing import prepare
from piggygan.terminal.launched import launched_processes
from piggygan.training.processes import Processes


class Crew:
    """The processes that learn a task together; one, unless a launcher started more.

    Args:
        processes: They; None for one.
    """

    def __init__(self, processes: Processes | None) -> None:
        self._processes = processes

    @property
    def is_main(self) -> bool:
        """Whether this is the one that decides, writes and commits."""
        return self._processes is None or self._processes.is_main

    def wait(self) -> None:
        """Wait until all are here."""
        if self._processes is not None:
            self._processes.wait()

    def is_left(self, is_left: bool) -> bool:
        """Return what the main process says of whether there is something left to learn."""
        return is_left if self._processes is None else self._processes.told(is_left)


@contextmanager
def crew_of(chosen: LearningConfig) -> Iterator[Crew]:
    """Bring the processes together that were started to learn a task; an error in one of them ends all.

    Raises:
        ProcessLostError: If another one ended or was killed.
    """
    if launched_processes() == 1:
        yield Crew(None)
        return
    choose_device(chosen.device)
    processes = Processes(chosen.seed)
    with processes.together():
        yield Crew(processes)


def learn_along(crew: Crew, run: RunFolder, task: str, config: TrainConfig) -> None:
    """Learn what the main process has begun, and wait until it has committed that.

    Raises:
        ConfigurationError: If the run is in a folder that this process does not see.
    """
    crew.wait()
    prepared = prepare(run, task, config)
    if not prepared.goes_on:
        raise ConfigurationError(
            f"{shown(run.root)} is empty here, where another process learns for the same run: several machines need "
            f"one folder that all of them see."
        )
    learn(prepared, course_of(prepared), progress=False)
    crew.wait()


def check_one_process(what: str) -> None:
    """Refuse what several processes would do at once.

    Raises:
        ConfigurationError: If a launcher started more than one.
    """
    if (count := launched_processes()) > 1:
        raise ConfigurationError(
            f"{what} is done by one process, and {count} were started: leave it out, and ask for it afterwards without "
            f"torchrun."
        )
