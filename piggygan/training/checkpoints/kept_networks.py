"""Networks as a checkpoint kept them: those of the best epoch, and a start for another training."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from piggygan.errors import ResumeError
from piggygan.files.tensors import part_of
from piggygan.training.checkpoints.folder import CheckpointFolder, Checkpoints
from piggygan.training.checkpoints.recipe import differences, frozen_differences, task_facts, tasks_of
from piggygan.training.checkpoints.snapshot import check_fits, copy_into, parse
from piggygan.training.guard import Guard, split_tensors
from piggygan.training.objectives.protocol import Objective


def load_best(checkpoints: Checkpoints, objective: Objective) -> float:
    """Put into an objective's networks what they were after the epoch with the highest score.

    Args:
        checkpoints: Of its training.
        objective: Of the same networks; what is frozen in them is left alone.

    Returns:
        The score.

    Raises:
        ResumeError: If no epoch was scored, the file is damaged, or it is of other networks; these are then as they
            were.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> from torch import nn
        >>> from piggygan.data import PairBatch
        >>> from piggygan.training import SupervisedObjective, TrainingOptions, train
        >>> batch = PairBatch(torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8), ["a", "b"])
        >>> objective = SupervisedObjective(nn.Conv2d(3, 1, 3, padding=1))
        >>> options = TrainingOptions(epochs=3, progress=False)
        >>> scores = {1: 0.7, 2: 0.9, 3: 0.8}
        >>> with TemporaryDirectory() as folder:
        ...     checkpoints = Checkpoints(folder)
        ...     _ = train(
        ...         objective, [batch], options, on_epoch=lambda done: scores[done.epoch], checkpoints=checkpoints
        ...     )
        ...     load_best(checkpoints, objective)
        0.9
    """
    found = CheckpointFolder(Path(checkpoints.folder), checkpoints.keep_last).newest_whole("best")
    if found is None:
        raise ResumeError(f"there is no best checkpoint in {checkpoints.folder}: return a score from on_epoch.")
    document = parse(found[1], found[0].position)
    changing, fixed = split_tensors(objective)
    tensors = part_of(found[2], "network")
    check_fits(changing, tensors)
    other = differences(tasks_of(document.recipe), task_facts(objective))
    other += frozen_differences(document.frozen, Guard(fixed).digests)
    if other:
        raise ResumeError(
            f"the best checkpoint is of other networks: {other[0]} (of {len(other)} differences). Make them as "
            f"they were made then."
        )
    copy_into(changing, tensors)
    return document.highest if document.highest is not None else float("nan")


def start_from(checkpoints: Checkpoints, role: str, network: nn.Module) -> None:
    """Start a network as the one of its role was at the newest checkpoint of another training.

    For a task's discriminator that begins as an earlier task's, or for one and the same task that is trained further:
    of a finished training the end is always kept. Not for a :class:`~piggygan.MultiTaskGenerator`, of which a
    checkpoint has only what that training changed.

    Args:
        checkpoints: Of the other training.
        role: Its name in that objective's ``modules()``, such as ``"forward_discriminator"``.
        network: Built as it was. Only its first layer may have another number of input channels, as for a task of other
            images; the kernels of that layer then stay as they are.

    Raises:
        ResumeError: If there is no such network, the file is damaged, or the network is another one; it is then as it
            was.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> from torch import nn
        >>> from piggygan.data import PairBatch
        >>> from piggygan.training import SupervisedObjective, TrainingOptions, train
        >>> batch = PairBatch(torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8), ["a", "b"])
        >>> objective = SupervisedObjective(nn.Conv2d(3, 1, 3, padding=1))
        >>> options = TrainingOptions(epochs=3, progress=False)
        >>> fresh = nn.Conv2d(3, 1, 3, padding=1)
        >>> with TemporaryDirectory() as folder:
        ...     _ = train(objective, [batch], options, checkpoints=Checkpoints(folder))
        ...     start_from(Checkpoints(folder), "generator", fresh)
        >>> learned = objective.modules()["generator"].weight
        >>> torch.equal(fresh.weight, learned.to(fresh.weight.device))
        True
    """
    found = CheckpointFolder(Path(checkpoints.folder), checkpoints.keep_last).newest_whole("last")
    tensors = part_of(part_of(found[2], "network"), role) if found else {}
    if not tensors:
        raise ResumeError(f"there is no {role!r} in the checkpoints in {checkpoints.folder}: is it that training's?")
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    kernel = next((name for name, tensor in named.items() if tensor.dim() > 1), "")
    if kernel in tensors and _differ_in_channels(named[kernel], tensors[kernel]):
        del named[kernel], tensors[kernel]
    check_fits(named, tensors)
    copy_into(named, tensors)


def _differ_in_channels(here: Tensor, there: Tensor) -> bool:
    if here.dim() != there.dim() or here.shape[1] == there.shape[1]:
        return False
    return (here.shape[0], *here.shape[2:]) == (there.shape[0], *there.shape[2:])
