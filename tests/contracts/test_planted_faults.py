"""The faults of the public re-implementations, planted one by one: each makes a promise fail.

Those reshape where they should transpose, flatten the generator to its leaves, lose biases and norm statistics, and
rebuild convolutions from some of their arguments. Here each fault is put into our code, and the check that a contract
test makes must notice.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.layers import base_filters, kernels, per_task, task_filters


def permutation_moves_whole_filters() -> bool:
    conv = nn.ConvTranspose2d(4, 6, 3, stride=2).double()
    x = torch.randn(1, 4, 5, 5, dtype=torch.float64)
    expected = conv(x)
    layer = pg.PiggybackConvTranspose2d(conv)
    layer.freeze_task("base")
    layer.add_task("permuted", unconstrained_fraction=0.0)
    order = torch.tensor([1, 2, 3, 4, 5, 0])
    factors = torch.eye(6, dtype=torch.float64)[order]
    layer.load_tensors("permuted", {"factors": factors, "bias": layer.tensors("permuted")["bias"][order]})
    with layer.eval().selection.using("permuted"):
        return torch.allclose(layer(x), expected[:, order])


class Skipping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 3, padding=2, dilation=2, padding_mode="reflect", bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.two = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.two(torch.relu(self.norm(self.one(x))))


def base_task_keeps_its_bits() -> bool:
    torch.manual_seed(0)
    generator, x = Skipping().eval(), torch.randn(1, 3, 8, 8)
    bare = generator(x)
    model = pg.MultiTaskGenerator(generator, "facades").eval()
    return torch.equal(model(x), bare)


def nothing_is_forgotten() -> bool:
    torch.manual_seed(0)
    model, x = pg.MultiTaskGenerator(Skipping(), "facades"), torch.randn(4, 3, 8, 8)
    # The optimizer of the first task goes on, with momentum and weight decay.
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
    model.train()(x).square().sum().backward()
    optimizer.step()
    model.freeze_task("facades")
    before = model.eval()(x, task="facades")
    model.add_task("lungs")
    optimizer.add_param_group({"params": model.task_parameters("lungs")})
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        model.train()(x * 3 + 1, task="lungs").square().sum().backward()
        with torch.no_grad():
            model(x * 3 + 1, task="facades")
        optimizer.step()
    return torch.equal(model.eval()(x, task="facades"), before)


def test_without_a_fault_every_promise_is_kept() -> None:
    assert permutation_moves_whole_filters()
    assert base_task_keeps_its_bits()
    assert nothing_is_forgotten()


def test_a_reshape_for_a_transpose_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def reshaped(kernel: Tensor, **_: Any) -> Tensor:
        return kernel.reshape(kernel.shape[1], kernel.shape[0], *kernel.shape[2:])

    monkeypatch.setattr(kernels, "filters_first", reshaped)
    assert not permutation_moves_whole_filters()


def test_flattened_skips_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaves_in_a_row(self: pg.MultiTaskGenerator, images: Tensor) -> Tensor:
        output: Tensor = nn.Sequential(*self.generator.children())(images)
        return output

    monkeypatch.setattr(pg.MultiTaskGenerator, "forward", leaves_in_a_row)
    assert not base_task_keeps_its_bits()


def test_a_rebuilt_convolution_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebuilt(_: Any, conv: Any, features: Tensor, kernel: Tensor, bias: Tensor | None, __: Any) -> Tensor:
        return nn.functional.conv2d(features, kernel, bias, conv.stride, conv.padding)

    monkeypatch.setattr(pg.PiggybackConv2d, "_convolve", rebuilt)
    with pytest.raises(RuntimeError):  # the lost dilation changes the size: the skip no longer fits
        base_task_keeps_its_bits()


def test_a_lost_bias_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_filters.BaseFilters, "bias", None)
    assert not base_task_keeps_its_bits()


def test_norm_statistics_that_move_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(per_task.PerTask, "_ready", lambda self, task: self.stored(task))
    assert not nothing_is_forgotten()


def test_freezing_by_zero_gradients_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeroed(module: nn.Module) -> None:
        for parameter in module.parameters():
            parameter.register_hook(torch.zeros_like)

    for module in (per_task, task_filters, base_filters):
        monkeypatch.setattr(module, "freeze", zeroed)
    assert not nothing_is_forgotten()
