"""Other ways out: copies, strict state dicts, torch.compile, torch.export, ONNX."""

import copy
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import TaskNotFoundError
from piggygan.layers.ways.compute import Way


def two_tasks(generator: nn.Module) -> pg.MultiTaskGenerator:
    model = pg.MultiTaskGenerator(generator, "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    for parameter in model.task_parameters("lungs"):
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.freeze_task("lungs")
    return model.eval()


def test_a_deep_copy_gives_the_same_bits(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = two_tasks(make_generator())
    twin = copy.deepcopy(model)
    for task in model.tasks:
        assert torch.equal(twin(images, task=task), model(images, task=task))


def test_state_dicts_load_strictly(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = two_tasks(make_generator())
    torch.manual_seed(7)
    other = two_tasks(make_generator())
    expected = model(images, task="lungs")
    other(images, task="lungs")  # what this caches must not outlive the load
    other.load_state_dict({name: tensor + 0.1 for name, tensor in model.state_dict().items()}, strict=True)
    assert not torch.equal(other(images, task="lungs"), expected)
    other.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(other(images, task="lungs"), expected)


def test_a_model_in_evaluation_compiles_whole(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = two_tasks(make_generator())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.compile imports parts of torch that are deprecated
        torch.compiler.reset()
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        for task in model.tasks:
            torch.testing.assert_close(compiled(images, task=task), model(images, task=task))


@pytest.mark.parametrize("way", [None, "crossed"])
def test_a_training_step_compiles_whole(way: Way | None) -> None:
    torch.manual_seed(0)
    model = two_tasks(
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(8, 8, 3), nn.Conv2d(8, 3, 1))
    )
    model.add_task("hearts")
    model.train().costs.forced = way
    images = torch.rand(2, 3, 8, 8)

    def gradients(network: Callable[..., Tensor]) -> list[Tensor]:
        model.zero_grad()
        network(images, task="hearts").square().sum().backward()
        return [parameter.grad for parameter in model.task_parameters("hearts") if parameter.grad is not None]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.compile imports parts of torch that are deprecated
        torch.compiler.reset()
        compiled = gradients(torch.compile(model, fullgraph=True, backend="aot_eager"))
    torch.testing.assert_close(compiled, gradients(model), rtol=1e-4, atol=1e-4)


def test_a_folded_task_can_be_exported(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = two_tasks(make_generator())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(model.fold_task("lungs"), (images,))
    torch.testing.assert_close(program.module()(images), model(images, task="lungs"))


def test_a_folded_task_runs_as_onnx(tmp_path: Path, make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra [onnx]")
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    model, path = two_tasks(make_generator()), tmp_path / "lungs.onnx"
    pg.export_onnx(model, "lungs", path, images)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in (images, images[:1]):
        [output] = session.run(None, {"images": batch.numpy()})
        torch.testing.assert_close(torch.from_numpy(output), model(batch, task="lungs"), rtol=1e-3, atol=1e-4)


def test_onnx_of_an_unknown_task_is_refused(tmp_path: Path, images: Tensor) -> None:
    with pytest.raises(TaskNotFoundError):
        pg.export_onnx(two_tasks(pg.UNetGenerator(depth=5, width=4)), "moon", tmp_path / "moon.onnx", images)
    assert not list(tmp_path.iterdir())
