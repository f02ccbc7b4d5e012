"""Invariant 7: a folded task is an ordinary network, with the same bits."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import piggygan as pg


def test_a_folded_task_is_the_generators_own_class_with_the_same_bits(
    make_generator: Callable[[], nn.Module], images: Tensor
) -> None:
    original = make_generator()
    keys, kind = list(original.state_dict()), type(original)
    model = pg.MultiTaskGenerator(original, "facades").eval()
    model.freeze_task("facades")
    for task in ("lungs", "hearts"):
        model.add_task(task, out_channels=1 if task == "lungs" else None)
        for parameter in model.task_parameters(task):
            with torch.no_grad():
                parameter.add_(torch.randn_like(parameter) * 0.05)
        model.freeze_task(task)
    with torch.no_grad():
        for task in model.tasks:
            expected = model(images, task=task).numpy().tobytes()
            folded = model.fold_task(task)
            assert type(folded) is kind
            assert sorted(folded.state_dict()) == sorted(keys)
            assert folded(images).numpy().tobytes() == expected
            assert model(images, task=task).numpy().tobytes() == expected  # the model still works
            if task != "lungs":  # which has another output layer
                fresh = make_generator().eval()
                fresh.load_state_dict(folded.state_dict(), strict=True)
                assert fresh(images).numpy().tobytes() == expected


def test_training_a_folded_task_leaves_the_model_alone(make_generator: Callable[[], nn.Module], images: Tensor) -> None:
    model = pg.MultiTaskGenerator(make_generator(), "facades").eval()
    model.freeze_task("facades")
    model.add_task("lungs")
    model.freeze_task("lungs")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    folded = model.fold_task("lungs").train()
    assert {name for name, _ in folded.named_parameters()} == {name for name, _ in make_generator().named_parameters()}
    optimizer = torch.optim.SGD(folded.parameters(), lr=1.0)
    folded(images).sum().backward()
    optimizer.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
