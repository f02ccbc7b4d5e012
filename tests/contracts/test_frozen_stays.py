"""Frozen tasks against code that nobody wrote for them: it cannot reach them, or it is found out."""

import copy
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

import piggygan as pg
from piggygan.data import PairBatch
from piggygan.errors import FrozenTaskError
from piggygan.training import SupervisedObjective, TrainingOptions, train


def init_weights(module: nn.Module) -> None:
    """Initialize as pytorch-CycleGAN-and-pix2pix does, models/networks.py, ``init_weights``."""
    name = module.__class__.__name__
    if hasattr(module, "weight") and (name.find("Conv") != -1 or name.find("Linear") != -1):
        nn.init.normal_(module.weight.data, 0.0, 0.02)
        if hasattr(module, "bias") and module.bias is not None:
            nn.init.constant_(module.bias.data, 0.0)
    elif name.find("BatchNorm2d") != -1:
        nn.init.normal_(module.weight.data, 1.0, 0.02)
        nn.init.constant_(module.bias.data, 0.0)


def frozen_bytes(model: pg.MultiTaskGenerator) -> dict[str, bytes]:
    return {
        f"{task} {name}": tensor.numpy().tobytes()
        for task in model.tasks
        if model.describe_task(task).is_frozen
        for name, tensor in model.task_tensors(task).items()
    }


@pytest.fixture
def model(make_generator: Callable[[], nn.Module]) -> pg.MultiTaskGenerator:
    made = pg.MultiTaskGenerator(make_generator(), "facades")
    made.freeze_task("facades")
    made.add_task("hearts", init="normal")
    made.freeze_task("hearts")
    made.add_task("lungs", out_channels=1)
    return made


def small() -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.PReLU(), nn.Conv2d(8, 3, 1))
    network(torch.rand(2, 3, 8, 8))  # not the neutral statistics of a fresh norm
    model = pg.MultiTaskGenerator(network, "facades")
    model.freeze_task("facades")
    model.add_task("lungs")
    model.freeze_task("lungs")
    return model


@pytest.mark.parametrize("through", ["the model", "DataParallel", "the generator", "a whole around it"])
def test_apply_passes_frozen_tensors_by(model: pg.MultiTaskGenerator, through: str) -> None:
    network = {
        "the model": model,
        "DataParallel": nn.DataParallel(model),
        "the generator": model.generator,
        "a whole around it": nn.ModuleDict({"netG": model}),
    }[through]
    before, seen = frozen_bytes(model), []
    network.apply(init_weights)
    network.apply(seen.append)
    assert frozen_bytes(model) == before
    model.check_frozen()
    assert not {id(buffer) for module in seen for buffer in module.buffers(recurse=False)} & {
        id(buffer)
        for layer in model.layers.values()
        for task in ("facades", "hearts")
        for buffer in layer.stored(task).buffers()
    }


def test_apply_still_reaches_what_is_in_training() -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)), "facades")
    before = {name: tensor.clone() for name, tensor in model.task_tensors("facades").items()}
    model.apply(init_weights)
    changed = {name for name, tensor in model.task_tensors("facades").items() if not torch.equal(tensor, before[name])}
    assert changed == {"0.weight", "0.bias", "1.weight", "2.weight", "2.bias"}
    model.freeze_task("facades")
    model.add_task("lungs")
    norm = model.task_tensors("lungs")["1.weight"].clone()
    model.apply(init_weights)
    assert not torch.equal(model.task_tensors("lungs")["1.weight"], norm)


def test_loops_over_all_modules_may_ask_what_each_has(model: pg.MultiTaskGenerator) -> None:
    before = frozen_bytes(model)
    for module in model.modules():
        if isinstance(getattr(module, "weight", None), nn.Parameter):
            nn.init.normal_(module.weight, 0.0, 0.02)
    assert frozen_bytes(model) == before


def reset(model: nn.Module) -> None:
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()


def reset_one_norm(model: pg.MultiTaskGenerator) -> None:
    model.layers["1"].stored("lungs").reset_running_stats()


def put_on_spectral_norm(model: pg.MultiTaskGenerator) -> None:
    torch.nn.utils.parametrizations.spectral_norm(model.layers["0"].conv)


def cast(module: nn.Module) -> None:
    for name, buffer in list(module.named_buffers()):
        setattr(module, name, buffer.half())


def update(model: pg.MultiTaskGenerator) -> None:
    with model.using("facades"):
        update_bn([torch.rand(2, 3, 8, 8)], model)


def average(model: nn.Module) -> None:
    twin = copy.deepcopy(model).state_dict()
    for name, tensor in model.state_dict().items():
        tensor.mul_(0.999).add_(0.001 * twin[name]) if tensor.is_floating_point() else None


INTRUSIONS: dict[str, tuple[str, Callable[[pg.MultiTaskGenerator], object]]] = {
    "reset_parameters": ("'facades' at 0 has other values", reset),
    "half and float": ("'facades' at 0 has other values", lambda model: model.half().float()),
    "update_bn": ("'facades' at 1 has other values", lambda model: update(model)),
    "one statistic": ("'lungs' at 1 has other values", reset_one_norm),
    "spectral_norm": ("'facades' at 0 has other values", put_on_spectral_norm),
    "a moving average": ("'facades' at 0 has other values", average),
    "one bit": (
        "'lungs' at 3 has",
        lambda model: model.task_tensors("lungs")["3.bias"].view(torch.int32)[0].bitwise_xor_(1),
    ),
    "a sign of zero": ("'lungs' at 1", lambda model: model.task_tensors("lungs")["1.bias"].neg_()),
    "half and double": ("'facades' at 0 is float64, was float32", lambda model: model.half().double()),
    "half and bfloat16": ("'facades' at 0 is bfloat16, was float32", lambda model: model.half().bfloat16()),
    "half behind the layer's back": (
        "'facades' at 0 is float16, was float32",
        lambda model: cast(model.layers["0"].conv),
    ),
    "half, then reset": ("'facades' at 0 has other values", lambda model: reset(model.half())),
    "reset, then half": ("'facades' at 0 is float16, was float32", lambda model: [reset(model), model.half()]),
}


@pytest.mark.parametrize("way", INTRUSIONS)
def test_what_moves_a_frozen_task_all_the_same_is_found_out(way: str, tmp_path: Path) -> None:
    message, intrude = INTRUSIONS[way]
    model = small()
    intrude(model)
    assert model.describe_task("facades").is_frozen
    objective = SupervisedObjective(nn.Sequential(model, nn.Conv2d(3, 3, 1)))
    registry, pair = (
        pg.TaskRegistry(tmp_path / "registry"),
        PairBatch(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8), []),
    )
    for call in (
        model.check_frozen,
        lambda: model.add_task("hearts"),
        lambda: registry.commit(model, "facades"),
        lambda: train(objective, [pair], TrainingOptions(epochs=1, progress=False)),
    ):
        with pytest.raises(FrozenTaskError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert model.tasks == ("facades", "lungs")
    assert registry.tasks == ()


HARMLESS: dict[str, Callable[[pg.MultiTaskGenerator], pg.MultiTaskGenerator]] = {
    "nothing": lambda model: model,
    "a copy": copy.deepcopy,
    "double": lambda model: model.double(),
    "half, on purpose": lambda model: model.half(),
    "double and half": lambda model: model.double().half(),
    "half, and loaded from itself": lambda model: [model.half(), model.load_state_dict(model.state_dict())][0],
    "double and float": lambda model: model.double().float(),
    "another layout": lambda model: model.to(memory_format=torch.channels_last),
    "training mode": lambda model: model.train(),
    "gradients off": lambda model: model.requires_grad_(False),
    "loaded from itself": lambda model: [model, model.load_state_dict(model.state_dict())][0],
    "shared memory": lambda model: model.share_memory(),
    "a call": lambda model: [model, model(torch.rand(1, 3, 8, 8), task="lungs")][0],
    "folding": lambda model: [model, model.fold_task("lungs").apply(init_weights)][0],
}


@pytest.mark.parametrize("way", HARMLESS)
def test_what_keeps_all_values_is_no_difference(way: str) -> None:
    model = HARMLESS[way](small())
    model.check_frozen()
    model.add_task("hearts")
    model.check_frozen()


@pytest.mark.unpickles
def test_a_pickled_model_keeps_its_fingerprints() -> None:
    file = io.BytesIO()
    torch.save(small(), file)
    again: pg.MultiTaskGenerator = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
    again.check_frozen()
    reset(again)
    with pytest.raises(FrozenTaskError):
        again.check_frozen()


def test_tasks_of_a_registry_have_fingerprints_too(tmp_path: Path) -> None:
    registry, model = pg.TaskRegistry(tmp_path), small()
    for task in model.tasks:
        registry.commit(model, task)
    generator = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.PReLU(), nn.Conv2d(8, 3, 1))
    loaded = registry.load(generator=generator)
    loaded.check_frozen()
    reset_one_norm(loaded)
    with pytest.raises(FrozenTaskError, match="'lungs' at 1"):
        loaded.check_frozen()


def test_a_task_in_training_may_change_and_a_removed_one_is_forgotten() -> None:
    model = small()
    model.add_task("hearts")
    with torch.no_grad():
        for parameter in model.task_parameters("hearts"):
            parameter.add_(1.0)
    model.check_frozen()
    model.freeze_task("hearts")
    model.remove_task("hearts")
    model.add_task("hearts", init="normal")
    model.freeze_task("hearts")
    model.check_frozen()


def test_shared_frozen_modules_have_fingerprints_too() -> None:
    linear = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 3, 1))
    model = pg.MultiTaskGenerator(linear, "facades", include=["0", "2"])
    model.freeze_task("facades")
    before: Tensor = model.layers["1"].tensors("facades")["weight"].clone()
    model.apply(init_weights)
    assert torch.equal(model.layers["1"].tensors("facades")["weight"], before)
    reset(model.layers["1"])
    with pytest.raises(FrozenTaskError, match="'facades' at 1 has other values"):
        model.check_frozen()


class Shifting(nn.Module):
    """A generator with a buffer of its own."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)
        self.register_buffer("mean", torch.rand(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.out(torch.relu(self.conv(images - self.mean)))
        return output


def test_buffers_of_modules_that_hold_others_have_fingerprints_too() -> None:
    model, there = (pg.MultiTaskGenerator(Shifting(), "facades") for _ in range(2))
    for each in (model, there):
        each.freeze_task("facades")
    model.load_state_dict(there.state_dict())
    model.check_frozen()
    assert torch.equal(model.generator.mean, there.generator.mean)
    model.half().check_frozen()
    model.generator.mean.data.add_(1.0)
    with pytest.raises(FrozenTaskError, match="'facades' at its layer has other values"):
        model.check_frozen()
