"""A constant infinity, as in a mask of attention, is a number like others; a weight that is infinite is damage."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import CorruptFileError, InputError, PiggyganError, TrainingDivergedError
from piggygan.files.tensors import infinite_entry, tensors_from_bytes, tensors_to_bytes
from piggygan.training import Checkpoints, SupervisedObjective, TrainingOptions, train


class Masked(nn.Module):
    """Attends to earlier pixels only."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.register_buffer("mask", torch.full((16, 16), -torch.inf).triu(1))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.head(x).flatten(2).mT
        weights = (tokens @ tokens.mT + self.get_buffer("mask")).softmax(-1)
        return self.tail((weights @ tokens).mT.reshape(x.shape))


class Pair(NamedTuple):
    input: Tensor
    target: Tensor
    names: list[str]


X = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))
BATCHES = [Pair(X, -X, ["a", "b"])]
OPTIONS = TrainingOptions(epochs=2, progress=False)


def bare() -> nn.Module:
    torch.manual_seed(0)
    return Masked()


def objective(model: nn.Module, task: str | None) -> SupervisedObjective:
    if task is None:
        return SupervisedObjective(model)
    assert isinstance(model, pg.MultiTaskGenerator)
    parameters = model.task_parameters(task)
    return SupervisedObjective(model, generator_parameters=parameters, forward_arguments={"task": task})


def test_it_is_trained_saved_and_resumed(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(bare(), "facades")
    for generator, task in ((bare(), None), (model, "facades")):
        folder = tmp_path / str(task)
        train(objective(generator, task), BATCHES, OPTIONS, checkpoints=Checkpoints(folder))
        train(objective(generator, task), BATCHES, OPTIONS, checkpoints=Checkpoints(folder))  # reads what it saved
    model.freeze_task("facades")
    model.add_task("lungs")
    train(objective(model, "lungs"), BATCHES, OPTIONS, checkpoints=Checkpoints(tmp_path / "lungs"))


def test_it_is_committed_exported_imported_and_verified(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(bare(), "facades")
    model.freeze_task("facades")
    registry, other = pg.TaskRegistry(tmp_path / "one"), pg.TaskRegistry(tmp_path / "other")
    registry.commit(model, "facades", probe=X)
    registry.export_task("facades", tmp_path / "facades.safetensors")
    other.import_task(tmp_path / "facades.safetensors", generator=bare())
    for one in (registry, other):
        assert torch.equal(one.load(generator=bare())(X), model.eval()(X))
        assert all(check.state == "equal" for check in one.verify(generator=bare()))


def test_a_nan_in_it_is_damage_and_so_is_an_infinity_that_training_made() -> None:
    spoiled = bare()
    spoiled.get_buffer("mask")[0, 0] = torch.nan
    model = pg.MultiTaskGenerator(spoiled, "facades")
    with pytest.raises(InputError, match="mask has 1 of 256"):
        model.freeze_task("facades")
    with pytest.raises(TrainingDivergedError):
        train(objective(model, "facades"), BATCHES, OPTIONS)
    diverged = pg.MultiTaskGenerator(bare(), "facades")
    nn.init.constant_(diverged.task_parameters("facades")[0], torch.inf)
    with pytest.raises(InputError, match="NaN or infinite"):
        diverged.freeze_task("facades")


def test_a_file_names_its_infinities_and_all_others_are_refused() -> None:
    named = {"mask": torch.tensor([0.0, -torch.inf]), "weight": torch.zeros(2)}
    data = tensors_to_bytes(named, ["mask"])
    assert torch.equal(tensors_from_bytes(data, "file")["mask"], named["mask"])
    assert b"__metadata__" not in tensors_to_bytes({"weight": torch.zeros(2)})  # as ever
    forged = data.replace(b'[\\"mask\\"]', b'[\\"task\\"]')
    assert forged != data
    with pytest.raises(CorruptFileError, match="infinity in mask"):
        tensors_from_bytes(forged, "file")
    for entry in (b'{\\"a\\": 1}', b"[1,2,3]  "):
        with pytest.raises(PiggyganError):
            tensors_from_bytes(data.replace(b'[\\"mask\\"]', entry.ljust(10)[:10]), "file")
    assert infinite_entry({"mask": torch.tensor([torch.nan])}) != {}
    with pytest.raises(CorruptFileError, match="NaN"):
        tensors_from_bytes(tensors_to_bytes({"mask": torch.tensor([torch.nan])}, ["mask"]), "file")
