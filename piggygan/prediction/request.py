"""Request: what is asked of a prediction, beside which files go where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from piggygan.errors import ConfigurationError
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.part import Part

Engine = Literal["here", "ray"]
"""Who predicts: this process and its workers, or a Ray cluster."""
_DEFAULTS = PredictionOptions()


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        task: Which task predicts.
        options: How it is applied.
        network: Which of several networks.
        recursive: Folders below a folder are searched.
        part: Which films are predicted; None: all.
        workers: Processes that read and write; None: as many as suit.
        progress: A bar is shown.
        engine: Who predicts.

    Raises:
        ConfigurationError: If the number of workers is below 0, or Ray is asked for and workers, too.
    """

    task: str
    options: PredictionOptions = _DEFAULTS
    network: str | None = None
    recursive: bool = False
    part: Part | None = None
    workers: int | None = None
    progress: bool = False
    engine: Engine = "here"

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 0:
            raise ConfigurationError(f"workers is {self.workers}; needed is 0 or more.")
        if self.engine not in get_args(Engine):
            raise ConfigurationError(f"engine is {self.engine!r}; there are {' and '.join(get_args(Engine))}.")
        if self.engine == "ray" and self.workers is not None:
            raise ConfigurationError("workers are of one machine, and Ray has its own: leave workers out.")
