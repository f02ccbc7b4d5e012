"""The upper bound that needs all data at once: one network for all tasks whose targets mean the same.

Which those are is said in a preset's ``[pools]``: in ``hospitals`` the lungs of four sites. Facades have other targets,
and so have hearts, which a network of one output cannot tell from lungs on the same film: such a task has a network of
its own, as ``separate`` has. At each later task of a pool a new network is learned from scratch, on the training pairs
of that task and of all earlier ones of its pool, with the steps of all of them together: as often as separate networks
see a pair, so often this one sees it. It is then the network of the whole pool, and is scored on each site's films.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import Contender
from piggygan.networks import initialize


class Joint(Contender):
    """One network a pool of tasks, learned anew on all their pairs whenever the pool has one task more.

    Args:
        generator: Of the first task.
        first: The first task's name.
    """

    stores_all = True

    def __init__(self, generator: nn.Module, first: str) -> None:
        super().__init__(generator, first)
        self._networks = {first: generator}
        self._pools: tuple[frozenset[str], ...] = ()

    def pool(self, pools: Iterable[Iterable[str]]) -> None:
        """Say which tasks are learned together; what is in none is learned alone."""
        self._pools = tuple(frozenset(pool) for pool in pools)

    def practises(self, task: str) -> tuple[str, ...]:
        """Name the earlier tasks of the same pool."""
        return tuple(name for name in self._networks if name != task and any({name, task} <= p for p in self._pools))

    def begin(self, task: str) -> None:
        """Start from scratch, for the whole pool."""
        network = copy.deepcopy(self.generator).requires_grad_(True)
        initialize(network)
        for name in (*self.practises(task), task):
            self._networks[name] = network

    def network(self, task: str) -> nn.Module:
        """Return the network of a task's pool."""
        return self._networks[task]

    def stored(self, task: str) -> dict[str, Tensor]:  # noqa: ARG002
        """Return all networks so far, under the last task of each; for the first task it alone."""
        if len(self._networks) == 1:
            return dict(self.generator.state_dict())
        of_last = {id(network): name for name, network in self._networks.items()}
        return {
            f"{name}.{part}": tensor
            for name in of_last.values()
            for part, tensor in self._networks[name].state_dict().items()
        }

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put all of them back."""
        for name, tensor in self.stored(task).items():
            tensor.copy_(tensors[name])
