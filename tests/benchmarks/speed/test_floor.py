"""What a step has to do at least."""

from typing import get_args

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed import floor
from benchmarks.speed.subjects import Network, Setting, make_generator, model_with_tasks
from piggygan.layers.convolutions import PiggybackConvolution


@pytest.mark.parametrize("network", get_args(Network))
def test_fine_tuning_multiplies_as_often_as_torch_counts(network: Network) -> None:
    setting = Setting(network, 2, 32, torch.device("cpu"), "fp32", 4)
    generator = make_generator(setting)
    with FlopCounterMode(display=False) as counter:
        generator(setting.images()).sum().backward()
    tuned, _ = floor.floor(setting)
    assert 2 * tuned.multiplied == counter.get_total_flops()


@pytest.mark.parametrize("network", get_args(Network))
def test_a_new_task_moves_what_it_trains_ten_times_and_its_bank_twice(network: Network) -> None:
    setting = Setting(network, 1, 32, torch.device("cpu"), "fp32", 4)
    model = model_with_tasks(setting, 2)
    layers = [layer for layer in model.layers.values() if isinstance(layer, PiggybackConvolution)]
    names = ("factors", "unconstrained")
    trained = sum(t.numel() for layer in layers for n, t in layer.tensors("task2").items() if n in names)
    bank = sum(layer.bank("task2").numel() for layer in layers if "factors" in layer.tensors("task2"))
    tuned, ours = floor.floor(setting)
    assert ours.bytes == 4 * (10 * trained + 2 * bank)
    # A U-Net's outer layers, which multiply most, are wholly the task's own, and so as dear as in fine-tuning.
    assert ours.multiplied < {"unet": 1.02, "resnet": 1.0}[network] * tuned.multiplied
