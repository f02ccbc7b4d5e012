"""What is learned from a batch: who moves in which order, and by which losses.

An objective knows networks and losses and nothing of optimizers, devices or files; the loop knows those and
nothing of GANs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float


class Batch(Protocol):
    """Pairs to learn from; any named tuple with these fields will do.

    Example:
        >>> import torch
        >>> class Film(NamedTuple):
        ...     input: Tensor
        ...     target: Tensor
        >>> batch: Batch = Film(torch.zeros(4, 3, 8, 8), torch.zeros(4, 1, 8, 8))
        >>> batch.input.shape[0]
        4
    """

    @property
    def input(self) -> Float[Tensor, "batch in_channels height width"]:
        """What the generator is given, in [-1, 1]."""

    @property
    def target(self) -> Float[Tensor, "batch out_channels height width"]:
        """What it should make of it, in [-1, 1]."""


class Turn(NamedTuple):
    """One player's losses, from which one step of its optimizer follows.

    Example:
        >>> import torch
        >>> turn = Turn("generator", {"l1": torch.tensor(0.25)})
        >>> turn.player, turn.losses["l1"].item()
        ('generator', 0.25)
    """

    player: str
    losses: dict[str, Tensor]
    """Weighted: the player minimizes their sum."""
    output: Tensor | None = None
    """What the player made, without gradients; looked at only to notice when it is the same everywhere."""


class Objective(Protocol):
    """A way to learn from batches.

    Example:
        >>> import torch
        >>> from piggygan.data import PairBatch
        >>> class SquaredError:  # what a network of yours learns, in the four methods that the loop needs
        ...     def __init__(self, network):
        ...         self.network = self.running = network
        ...     def players(self):
        ...         return {"network": list(self.network.parameters())}
        ...     def modules(self):
        ...         return {"network": self.network}
        ...     def use(self, prepared):
        ...         self.running = prepared["network"]
        ...     def play(self, batch):
        ...         output = self.running(batch.input)
        ...         yield Turn("network", {"l2": (output - batch.target).square().mean()}, output)
        >>> batch = PairBatch(torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8), ["a"])
        >>> [turn.player for turn in SquaredError(nn.Conv2d(3, 1, 1)).play(batch)]
        ['network']
    """

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return whose parameters move: each player has an optimizer of its own."""

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks that take part, as the caller made them."""

    def use(self, prepared: Mapping[str, nn.Module]) -> None:
        """Call these modules from now on: the same networks, made ready for several processes."""

    def play(self, batch: Batch) -> Iterator[Turn]:
        """Give each player its turn; between two turns the caller takes the step of the first."""


@runtime_checkable
class HasSettings(Protocol):
    """An objective that says how it was set: a training goes on only with the same.

    Example:
        >>> from piggygan.training import SupervisedObjective
        >>> objective = SupervisedObjective(nn.Conv2d(3, 1, 1), l1_weight=10.0)
        >>> isinstance(objective, HasSettings), objective.settings()["l1_weight"]
        (True, 10.0)
    """

    def settings(self) -> dict[str, Any]:
        """Return what was chosen, by name."""


@runtime_checkable
class HasState(Protocol):
    """An objective that keeps more than its networks from batch to batch, such as a pool of former images.

    Example:
        >>> from piggygan.training import SupervisedObjective
        >>> isinstance(SupervisedObjective(nn.Conv2d(3, 1, 1)), HasState)
        False
    """

    def state(self) -> dict[str, Tensor]:
        """Return all of it, by name; empty tensors where there is nothing yet."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
