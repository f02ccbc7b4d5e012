"""What every way of learning task after task has in common."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from torch import Tensor, nn
from torch.utils.data import DataLoader

from piggygan.data import Pair
from piggygan.training import Batch, History, Objective, TrainingOptions, Turn, train
from piggygan.training.loop import EpochCallback


class Contender(ABC):
    """A generator that learns one task after another.

    All begin alike: the first task is learned by the whole generator. A later task is begun, its
    :meth:`moving` parameters are trained through its :meth:`network`, and it is finished. What :meth:`stored` gives is
    all that has to be kept for it; :meth:`restore` puts that into a task that was begun in the same way.

    Args:
        generator: Of the first task, at its random start.
        first: The first task's name.
    """

    stores_all: ClassVar[bool] = False
    """Whether what is stored for the last task is all there is: one network is written over and over."""

    def __init__(self, generator: nn.Module, first: str) -> None:
        self.generator = generator
        self.first = first

    def meet(self, task: str, pairs: Callable[[], Batch]) -> None:  # noqa: B027
        """Look at the training pairs of a task that will be begun, as they are in their files."""

    @abstractmethod
    def begin(self, task: str) -> None:
        """Make ready to learn a task after the first."""

    @abstractmethod
    def network(self, task: str) -> nn.Module:
        """Return what translates images of a task, ``(batch, 3, height, width)`` in and out."""

    @abstractmethod
    def stored(self, task: str) -> dict[str, Tensor]:
        """Return all tensors that are kept for a task, beside those kept for others."""

    @abstractmethod
    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`stored` gave."""

    def moving(self, task: str) -> list[nn.Parameter]:
        """Return what is learned for a task."""
        return [parameter for parameter in self.network(task).parameters() if parameter.requires_grad]

    def finish(self, task: str) -> None:  # noqa: B027
        """A task has been learned."""

    def remember(self, task: str, pairs: Callable[[], Batch]) -> None:  # noqa: B027
        """Look at the training pairs of a task that has been learned, as they are in their files."""

    def practises(self, task: str) -> tuple[str, ...]:  # noqa: ARG002
        """Name the earlier tasks whose training pairs are learned from again, together with a task's own."""
        return ()

    def learn(
        self,
        task: str,  # noqa: ARG002
        objective: Objective,
        loader: DataLoader[Pair],
        options: TrainingOptions,
        on_epoch: EpochCallback,
    ) -> History:
        """Learn a task; all but those with a recipe of their own learn as ``piggygan train`` does."""
        return train(objective, loader, options, on_epoch=on_epoch)

    def turns(self, task: str, batch: Batch, turns: Iterator[Turn]) -> Iterator[Turn]:  # noqa: ARG002
        """Change the losses of a training step on a batch; most leave them alone."""
        return turns


class CopyContender(Contender):
    """One that has a whole network in memory for each task, and stores only what makes it another than the first.

    Args:
        generator: Of the first task.
        first: The first task's name.
    """

    def __init__(self, generator: nn.Module, first: str) -> None:
        super().__init__(generator, first)
        self.networks = {first: generator}

    def begin(self, task: str) -> None:
        """Make a copy of the first network and let :meth:`adapt` change it."""
        device = next(self.generator.parameters()).device
        self.networks[task] = self.adapt(copy.deepcopy(self.networks[self.first])).to(device)

    @abstractmethod
    def adapt(self, network: nn.Module) -> nn.Module:
        """Turn a copy of the first task's network into one that learns a new task."""

    @abstractmethod
    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """Name the tensors of a later task's network that the first one does not have; changes in place count."""

    def network(self, task: str) -> nn.Module:
        """Return a task's network."""
        return self.networks[task]

    def stored(self, task: str) -> dict[str, Tensor]:
        """Return the whole network for the first task, and for others what is their own."""
        network = self.networks[task]
        return dict(network.state_dict()) if task == self.first else self.own(network)

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy what was stored over what is there."""
        for name, tensor in self.stored(task).items():
            tensor.copy_(tensors[name])
