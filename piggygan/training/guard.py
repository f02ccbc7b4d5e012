"""What a training must leave as it is: parameters that no player moves, and the tensors of frozen tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from piggygan.errors import FrozenTensorError
from piggygan.files.digests import tensors_digest
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.view import TaskView
from piggygan.training.objectives.protocol import Objective


def split_tensors(objective: Objective) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return an objective's tensors by ``role.name``: those that training changes, and those that are fixed.

    Changing are the players' parameters, and all buffers but those of frozen tasks: running statistics, say.
    """
    moved = {id(parameter) for parameters in objective.players().values() for parameter in parameters}
    changing: dict[str, Tensor] = {}
    fixed: dict[str, Tensor] = {}
    frozen = {id(buffer) for _, buffer in _frozen_buffers(objective)}
    for role, module in objective.modules().items():
        for name, parameter in module.named_parameters():
            (changing if id(parameter) in moved else fixed)[f"{role}.{name}"] = parameter
        for name, buffer in module.named_buffers():
            (fixed if id(buffer) in frozen else changing)[f"{role}.{name}"] = buffer
    shown = {id(tensor) for tensor in fixed.values()}
    # A view shows one task; what that draws on is fixed all the same.
    hidden = {name: buffer for name, buffer in _frozen_buffers(objective) if id(buffer) not in shown}
    return changing, fixed | hidden


def models_of(objective: Objective) -> Iterator[tuple[str, MultiTaskGenerator]]:
    """Find the models of many tasks in an objective's networks, behind views too, each with its path."""
    seen: set[int] = set()
    for role, module in objective.modules().items():
        for path, part in module.named_modules(prefix=role):
            model = part.model if isinstance(part, TaskView) else part
            if isinstance(model, MultiTaskGenerator) and id(model) not in seen:
                seen.add(id(model))
                yield path, model


def check_frozen_tasks(objective: Objective) -> None:
    """Check that frozen tasks are what they were when they were frozen.

    Raises:
        FrozenTaskError: If one is not.
    """
    for _, model in models_of(objective):
        model.check_frozen()


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


def _frozen_buffers(objective: Objective) -> Iterator[tuple[str, Tensor]]:
    for path, model in models_of(objective):
        for task in model.tasks:
            if model.describe_task(task).is_frozen:
                for place, layer in model.layers.items():
                    for name, buffer in layer.stored(task).named_buffers():
                        yield f"{path}.{place}.{task}.{name}", buffer
