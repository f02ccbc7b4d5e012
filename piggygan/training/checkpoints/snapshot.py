"""All that a running training depends on, taken out and put back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from piggygan.errors import ResumeError
from piggygan.files.strict_json import decode
from piggygan.files.tensors import part_of
from piggygan.training.checkpoints.shares import as_of
from piggygan.training.history import EpochRecord, History
from piggygan.training.loader import Loader
from piggygan.training.objectives.protocol import HasState, Objective
from piggygan.training.random_states import RandomState, random_numbers_apart, random_state, restore_random_state
from piggygan.training.state import TrainingState
from piggygan.training.steps import Steps, StepsAccount

FORMAT = 1
"""Of checkpoints; another one is refused."""


@dataclass
class Run:
    """A training on its way.

    Attributes:
        objective: What is learned; its own state, if it has one, belongs to the training.
        state: Networks, optimizers, schedules and the last good copies.
        steps: The account of the epoch.
        loader: The batches.
        recipe: What must be the same when the training goes on.
        frozen: Digest of each tensor that training leaves as it is, by name.
        history: Of the finished epochs.
        best: The highest score so far.
        seconds: That the present epoch has taken.
    """

    objective: Objective
    state: TrainingState
    steps: Steps
    loader: Loader
    recipe: dict[str, str]
    frozen: dict[str, str]
    history: History = field(default_factory=History)
    best: float | None = None
    seconds: float = 0.0

    @property
    def position(self) -> tuple[int, int]:
        """Epochs finished, and batches done in the one after."""
        return self.state.finished_epochs, self.steps.batches


@dataclass(frozen=True)
class Document:
    """What of a training is not a tensor."""

    format: int
    recipe: dict[str, str]
    frozen: dict[str, str]
    finished_epochs: int
    account: StepsAccount
    history: tuple[EpochRecord, ...]
    best: float | str | None
    """A text for the infinities, which JSON does not have."""
    seconds: float
    tensors: tuple[str, ...] | None = None
    """Names of all that belong to it; older checkpoints do not say."""

    def __post_init__(self) -> None:
        epochs = [record.epoch for record in self.history]
        if len(epochs) != self.finished_epochs or epochs != list(range(1, len(epochs) + 1)):
            raise ValueError(f"the history is not that of {self.finished_epochs} finished epochs")
        if self.seconds < 0:
            raise ValueError(f"seconds is {self.seconds}")
        if isinstance(self.best, str) and self.best not in ("inf", "-inf"):
            raise ValueError(f"best is {self.best[:80]!r}, needed is a number, 'inf' or '-inf'")

    @property
    def position(self) -> tuple[int, int]:
        """Epochs finished, and batches done in the one after."""
        return self.finished_epochs, self.account.batches

    @property
    def highest(self) -> float | None:
        """The highest score so far."""
        return None if self.best is None else float(self.best)


def capture(run: Run) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Take out all that a training depends on: its document, and its tensors by name."""
    is_within_epoch = run.steps.batches > 0
    parts: dict[str, Mapping[str, Tensor]] = {
        "network": run.state.changing,
        # At an epoch's end they are the same.
        "good": run.state.good if is_within_epoch else {},
        "optimizer": run.state.optimizer_tensors(),
        "random": random_state().tensors(),
        "loader": dict(_numbered(run.loader.state(is_within_epoch=is_within_epoch))),
        "objective": run.objective.state() if isinstance(run.objective, HasState) else {},
    }
    tensors = {f"{part}.{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
    document = Document(
        FORMAT,
        run.recipe,
        run.frozen,
        run.state.finished_epochs,
        run.steps.account(),
        tuple(run.history.epochs),
        run.best if run.best is None or math.isfinite(run.best) else str(run.best),
        run.seconds,
        tuple(sorted(tensors)),
    )
    return asdict(document), tensors


def parse(document: Any, position: tuple[int, int]) -> Document:
    """Check a document, and that its checkpoint is named by its own position.

    Raises:
        ResumeError: If another version of the format, or another program, wrote it.
    """
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise ResumeError(f"the checkpoint has format {found!r}; this piggygan knows {FORMAT}: use the one it is of.")
    try:
        parsed = decode(Document, document, "the checkpoint")
        if parsed.position != position:
            raise ValueError(f"it is named as one of {position}, and is one of {parsed.position}")
        return parsed
    except ValueError as error:
        raise ResumeError(f"the checkpoint is none of piggygan's: {error}.") from error


def restore(run: Run, document: Document, tensors: Mapping[str, Tensor], process: int = 0) -> None:
    """Put back all that a training depends on.

    Args:
        run: The training.
        document: What of it is not a tensor.
        tensors: All of the checkpoint.
        process: Which of several this is. One that the checkpoint does not know keeps its random numbers and pools.

    Raises:
        ResumeError: If it does not fit; the networks are then as they were.
    """
    stored, tensors = tensors, as_of(process, tensors)
    networks = part_of(tensors, "network")
    good = part_of(tensors, "good") or networks
    for given in (networks, good):
        check_fits(run.state.changing, given)
    with _refused_as_anothers():
        _check_complete(run, document, stored)
        is_known = process == 0 or bool(part_of(tensors, "random"))
        random = RandomState.from_tensors(part_of(tensors, "random")) if is_known else random_state()
        loader = part_of(tensors, "loader") if is_known else dict(_numbered(run.loader.state(is_within_epoch=False)))
        states = [loader[name] for name, _ in _numbered(list(loader.values()))]
        with random_numbers_apart():  # tries the states, which only their owners can check
            _restore_random(random)
        run.loader.check_state(states)
        optimizers = run.state.checked_optimizers(part_of(tensors, "optimizer"))
        if isinstance(run.objective, HasState) and is_known:
            _load_objective(run.objective, part_of(tensors, "objective"))
    run.loader.load_state(states)
    run.state.load_optimizers(optimizers)
    copy_into(run.state.changing, networks)
    copy_into(run.state.good, good)
    run.state.move_to_epoch(document.finished_epochs)
    run.steps.go_on_from(document.account)
    run.history.epochs[:] = document.history
    run.best, run.seconds = document.highest, document.seconds
    _restore_random(random)


@contextmanager
def _refused_as_anothers() -> Iterator[None]:
    """Say in one way that something in a checkpoint does not fit, whatever found it: torch, NumPy or an objective."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines() or [repr(error)]
        raise ResumeError(f"the checkpoint belongs to another training: {reason[0][:500]}.") from error


def _check_complete(run: Run, document: Document, tensors: Mapping[str, Tensor]) -> None:
    if document.tensors is not None and (odd := sorted(set(document.tensors) ^ tensors.keys())):
        raise ValueError(f"{odd[0]} is only in one of its list and its tensors (of {len(odd)} such names)")
    losses = {name for record in document.history for name in record.losses} | document.account.counts.keys()
    for player in run.state.players:
        has_moved = any(name.startswith(f"{player}.") for name in losses)
        if has_moved and not part_of(tensors, f"optimizer.{player}"):
            raise ValueError(f"{player} has moved, and the state of its optimizer is missing")


def _load_objective(objective: HasState, state: Mapping[str, Tensor]) -> None:
    former = objective.state()
    try:
        objective.load_state(state)
    except Exception:
        objective.load_state(former)
        raise


def _restore_random(random: RandomState) -> None:
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    # Only a resume that was asked to be inexact comes here with another number of devices.
    restore_random_state(random if len(random.cuda) == devices else random._replace(cuda=[]))


def check_fits(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> None:
    """Refuse tensors of other names, shapes or types.

    Raises:
        ResumeError: Naming the first of them.
    """
    problems = [f"{name} is only in one of both" for name in sorted(here.keys() ^ there.keys())]
    problems += [
        f"{name} was {there[name].dtype} {tuple(there[name].shape)}, is {tensor.dtype} {tuple(tensor.shape)}"
        for name, tensor in here.items()
        if name in there and (tensor.shape, tensor.dtype) != (there[name].shape, there[name].dtype)
    ]
    if problems:
        raise ResumeError(
            f"the checkpoint is of other networks: {problems[0]} (of {len(problems)} differences). Make them as they "
            f"were made then, or name another folder to begin anew."
        )


def copy_into(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> None:
    """Copy values in place."""
    with torch.no_grad():
        for name, tensor in here.items():
            tensor.copy_(there[name])


def _numbered(tensors: list[Tensor]) -> list[tuple[str, Tensor]]:
    return [(str(number), tensor) for number, tensor in enumerate(tensors)]
