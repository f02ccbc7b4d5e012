"""Ray's words without Ray: tasks run in this process when they are waited for, and may die as processes do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """A process or a machine died."""


class RayTaskError(RayError):
    """A task raised."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class FakeRay:
    """Runs tasks in the reverse order in which they were asked for.

    Args:
        dies: Says of a task's arguments whether its process dies, each time.
        cores: Of the cluster.
    """

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, dies: Callable[..., bool] = lambda *_: False, cores: int = 1) -> None:
        self._dies = dies
        self._cores = cores
        self.options: dict[str, Any] = {}
        self.called: list[tuple[Any, ...]] = []

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self._cores)}

    def remote(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        self.options = options

        def task(function: Callable[..., Any]) -> Any:
            def later(*arguments: Any) -> Callable[[], Any]:
                self.called.append(arguments)
                return lambda: self._run(function, arguments)

            return SimpleNamespace(remote=later)

        return task

    def _run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if self._dies(*arguments):
            raise RayError("the worker died")
        try:
            return function(*arguments)
        except Exception as error:
            raise RayTaskError(error) from error

    def wait(self, waiting: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return waiting[-num_returns:], waiting[:-num_returns]

    def get(self, ready: Callable[[], Any]) -> Any:
        return ready()

    @contextmanager
    def cluster(self) -> Iterator[FakeRay]:
        yield self
