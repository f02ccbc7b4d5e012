"""What a training must leave as it is: parameters that no player moves, and the tensors of frozen tasks."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from piggygan.errors import FrozenTensorError
from piggygan.model import MultiTaskGenerator
from piggygan.registry.tensors import tensors_digest
from piggygan.training.objectives import Objective


def split_tensors(objective: Objective) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return an objective's tensors by ``role.name``: those that training changes, and those that are fixed.

    Changing are the players' parameters, and all buffers but those of frozen tasks: running statistics, say.
    """
    moved = {id(parameter) for parameters in objective.players().values() for parameter in parameters}
    changing: dict[str, Tensor] = {}
    fixed: dict[str, Tensor] = {}
    for role, module in objective.modules().items():
        frozen = _frozen_buffers(module)
        for name, parameter in module.named_parameters():
            (changing if id(parameter) in moved else fixed)[f"{role}.{name}"] = parameter
        for name, buffer in module.named_buffers():
            (fixed if id(buffer) in frozen else changing)[f"{role}.{name}"] = buffer
    return changing, fixed


def check_frozen_tasks(objective: Objective) -> None:
    """Check that frozen tasks are what they were when they were frozen.

    Raises:
        FrozenTaskError: If one is not.
    """
    for module in objective.modules().values():
        for part in module.modules():
            if isinstance(part, MultiTaskGenerator):
                part.check_frozen()


class Guard:
    """Knows the bytes of the fixed tensors at the start of a training.

    Args:
        fixed: They, by name.
    """

    def __init__(self, fixed: Mapping[str, Tensor]) -> None:
        self._fixed = fixed
        self.digests = _digests(fixed)

    def check(self) -> None:
        """Compare with the start.

        Raises:
            FrozenTensorError: If one has other bytes.
        """
        now = _digests(self._fixed)
        if moved := [name for name, digest in self.digests.items() if now[name] != digest]:
            raise FrozenTensorError(
                f"{moved[0]} is frozen, and has changed while another task trained (of {len(moved)} such tensors); "
                f"nothing was saved. Look for code that writes into it, an optimizer of your own say, and load the "
                f"networks anew from where they are stored."
            )


def _digests(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    return {name: tensors_digest({"": tensor}) for name, tensor in tensors.items()}


def _frozen_buffers(module: nn.Module) -> set[int]:
    return {
        id(buffer)
        for part in module.modules()
        if isinstance(part, MultiTaskGenerator)
        for task in part.tasks
        if part.describe_task(task).is_frozen
        for layer in part.layers.values()
        for buffer in layer.stored(task).buffers()
    }
