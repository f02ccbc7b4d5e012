"""A task that is stored in fewer bits: rounded once, before it is frozen, and the same bits for ever after."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import ConfigurationError, CorruptFileError, TaskStateError
from piggygan.files.precision import PRECISIONS, Precision
from piggygan.networks import ResNetGenerator

IMAGES = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def generator(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return pg.UNetGenerator(depth=4, width=8)


def model_with(task: str, stored: Precision | None) -> pg.MultiTaskGenerator:
    model = pg.MultiTaskGenerator(generator(), "facades")
    model.freeze_task("facades")
    torch.manual_seed(1)
    model.add_task(task, out_channels=1, init="normal", max_bank=1.25)
    model.freeze_task(task, stored=stored)
    return model.eval()


def outputs(model: nn.Module, **which: str) -> Tensor:
    with torch.inference_mode():
        made: Tensor = model(IMAGES, **which)
    return made


def size(registry: pg.TaskRegistry, task: str) -> int:
    return registry.describe(task).networks["generator"].weights.size


@pytest.mark.parametrize("stored", PRECISIONS)
def test_a_rounded_task_is_the_same_wherever_it_goes(stored: Precision, tmp_path: Path) -> None:
    model = model_with("lungs", stored)
    before = outputs(model, task="lungs")
    registry, other = pg.TaskRegistry(tmp_path / "one"), pg.TaskRegistry(tmp_path / "other")
    for task in model.tasks:
        registry.commit(model, task)
    loaded = registry.load()
    assert torch.equal(outputs(loaded, task="lungs"), before)
    assert torch.equal(outputs(loaded.fold_task("lungs")), outputs(model.fold_task("lungs")))
    assert loaded.describe_task("lungs").stored == stored
    for task in model.tasks:
        registry.export_task(task, tmp_path / f"{task}.safetensors")
        other.import_task(tmp_path / f"{task}.safetensors")
    assert other.describe("lungs").networks == registry.describe("lungs").networks
    assert torch.equal(outputs(other.load(), task="lungs"), before)
    assert registry.verify().is_sound
    assert other.verify().is_sound


def test_bytes_fall_to_a_half_a_quarter_an_eighth(tmp_path: Path) -> None:
    sizes: list[int] = []
    for stored in (None, *PRECISIONS):
        model = model_with("lungs", stored)
        registry = pg.TaskRegistry(tmp_path / str(stored))
        for task in model.tasks:
            registry.commit(model, task)
        sizes.append(model.overhead()["lungs"].size)
        assert sizes[-1] <= size(registry, "lungs") <= sizes[-1] + 8192  # the header's names
    whole, half, quarter, eighth = sizes
    assert [half < 0.55 * whole, quarter < 0.31 * whole, eighth < 0.2 * whole] == [True] * 3


@pytest.mark.parametrize("stored", PRECISIONS)
def test_a_task_may_build_on_a_rounded_one_and_leaves_it_alone(stored: Precision, tmp_path: Path) -> None:
    model = model_with("lungs", stored)
    before = {task: outputs(model, task=task) for task in model.tasks}
    model.add_task("hearts", out_channels=1)
    optimizer = torch.optim.Adam(model.task_parameters("hearts"), 1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        model.train()(IMAGES, task="hearts").square().mean().backward()
        optimizer.step()
    model.freeze_task("hearts", stored=stored)
    assert all(torch.equal(outputs(model.eval(), task=task), made) for task, made in before.items())
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task)
    assert torch.equal(outputs(registry.load(["hearts"]), task="hearts"), outputs(model, task="hearts"))


def test_an_odd_factor_step_does_not_move_what_was_rounded(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(generator(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", factor_step=7.3)
    model.freeze_task("lungs", stored="int8")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task)
    assert size(registry, "lungs") < 0.35 * model.overhead()["facades"].size * 0.35


def test_a_registry_is_of_the_newer_format_only_where_a_task_is_rounded(tmp_path: Path) -> None:
    for stored, version in ((None, 1), ("int8", 2)):
        model = model_with("lungs", stored)  # type: ignore[arg-type]
        registry = pg.TaskRegistry(tmp_path / str(stored))
        for task in model.tasks:
            registry.commit(model, task)
        assert json.loads((registry.folder / "registry.json").read_text())["schema_version"] == version


def test_damaged_codes_are_noticed_and_put_back_from_the_exported_file(tmp_path: Path) -> None:
    model = model_with("lungs", "int4")
    registry = pg.TaskRegistry(tmp_path / "one")
    for task in model.tasks:
        registry.commit(model, task)
    registry.export_task("lungs", tmp_path / "lungs.safetensors")
    file = registry.folder / registry._objects.name(registry.describe("lungs").networks["generator"].weights)
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(whole)
    with pytest.raises(CorruptFileError):
        registry.load(["lungs"])
    assert registry.repair(tmp_path / "lungs.safetensors").is_whole
    assert torch.equal(outputs(registry.load(), task="lungs"), outputs(model, task="lungs"))


def test_both_networks_of_a_pair_are_rounded(tmp_path: Path) -> None:
    models = [pg.MultiTaskGenerator(ResNetGenerator(blocks=1, width=4), "photos") for _ in range(2)]
    pair = pg.GeneratorPair(*models)
    pair.freeze_task("photos")
    pair.add_task("lungs", out_channels=1)
    pair.freeze_task("lungs", stored="int8")
    registry = pg.TaskRegistry(tmp_path)
    for task in pair.tasks:
        registry.commit(pair.networks, task)
    for name, model in pair.networks.items():
        assert registry.load(network=name).describe_task("lungs").stored == "int8"
        assert model.describe_task("lungs").stored == "int8"


def test_what_cannot_be_rounded_is_refused_and_nothing_is_frozen() -> None:
    model = pg.MultiTaskGenerator(generator(), "facades")
    with pytest.raises(ConfigurationError, match="the base task stays the network that it was"):
        model.freeze_task("facades", stored="int8")
    model.freeze_task("facades")
    model.add_task("lungs")
    with pytest.raises(ConfigurationError, match="did you mean 'int8'"):
        model.freeze_task("lungs", stored="int-8")  # type: ignore[arg-type]
    assert not model.describe_task("lungs").is_frozen
    model.freeze_task("lungs")
    with pytest.raises(TaskStateError):
        model.freeze_task("lungs", stored="int8")


def test_a_mask_of_one_filter_and_a_layer_of_one_number_are_rounded_too(tmp_path: Path) -> None:
    def made() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU(), nn.Conv2d(1, 1, 1))

    model = pg.MultiTaskGenerator(made(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs")
    model.freeze_task("lungs", stored="int8")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task)
    assert registry.verify(made()).is_sound
