"""Invariants 5 and 6: what is frozen keeps its bytes, and gradients reach the active task only."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import piggygan as pg


def bytes_of(tensors: dict[str, Tensor]) -> dict[str, bytes]:
    return {name: tensor.detach().numpy().tobytes() for name, tensor in tensors.items()}


def snapshot(model: pg.MultiTaskGenerator, task: str, images: Tensor) -> tuple[dict[str, bytes], bytes]:
    training = model.training
    with torch.no_grad():
        output = model.eval()(images, task=task).numpy().tobytes()
    model.train(training)
    return bytes_of(model.task_tensors(task)), output


def test_four_tasks_later_every_earlier_task_has_its_bytes(
    make_generator: Callable[[], nn.Module], images: Tensor
) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "task-1").train()
    # One optimizer for all tasks, with momentum and weight decay, gradients kept as zeros: the careless loop.
    optimizer = torch.optim.Adam(model.task_parameters("task-1"), lr=1e-2, weight_decay=0.1)
    frozen: dict[str, tuple[dict[str, bytes], bytes]] = {}
    for number in range(1, 6):
        task = f"task-{number}"
        if number > 1:
            model.add_task(task, out_channels=1 if number == 3 else None)
            optimizer.add_param_group({"params": model.task_parameters(task)})
        before = bytes_of(model.task_tensors(task))
        for _ in range(3):
            optimizer.zero_grad(set_to_none=False)
            (model(images, task=task) - images.flip(3)[:, :1]).abs().mean().backward()
            optimizer.step()
            for old in frozen:  # a frozen batch norm would move its statistics here
                with torch.no_grad():
                    model(images * 3, task=old)
        after = bytes_of(model.task_tensors(task))
        assert all(after[name] != before[name] for name in after if name.endswith(("factors", "unconstrained")))
        model.freeze_task(task)
        frozen[task] = snapshot(model, task, images)
        assert frozen[task][0] == after  # freezing itself changes nothing
    for task, (tensors, output) in frozen.items():
        assert snapshot(model, task, images) == (tensors, output), task


def test_gradients_reach_the_active_task_only(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "facades")
    model.freeze_task("facades")
    model.add_task("lungs")
    model.add_task("hearts")
    model.train()(images, task="lungs").sum().backward()
    own = {id(parameter) for parameter in model.task_parameters("lungs")}
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == (id(parameter) in own), name
    assert not any(buffer.requires_grad for buffer in model.buffers())


def test_the_output_of_a_sample_does_not_depend_on_its_batch(
    make_generator: Callable[[], nn.Module], images: Tensor
) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "facades").eval()
    model.freeze_task("facades")
    model.add_task("lungs")
    with torch.no_grad():
        together = model(images, task="lungs")
        alone = torch.cat([model(image[None], task="lungs") for image in images])
        again = model(images, task="lungs")
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)
    assert torch.equal(again, together)  # and not on chance
