from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from piggygan.networks.fingerprints import as_first_written, layer_lines


def test_a_line_has_path_class_settings_and_tensors() -> None:
    generator = nn.Sequential(nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1, output_padding=1, bias=False))
    assert layer_lines(generator) == (
        ". Sequential\t{}",
        "0 ConvTranspose2d dilation=[1, 1] groups=1 kernel_size=[4, 4] output_padding=[1, 1] padding=[1, 1] "
        'padding_mode="zeros" stride=[2, 2] weight=float32[3, 8, 4, 4]\t'
        '{"in_channels": 3, "out_channels": 8, "transposed": true}',
    )


def test_weights_and_training_mode_do_not_matter() -> None:
    assert layer_lines(nn.Sequential(nn.Conv2d(3, 8, 3)).eval()) == layer_lines(nn.Sequential(nn.Conv2d(3, 8, 3)))


VARIANTS: dict[str, nn.Module] = {
    "plain": nn.Conv2d(4, 8, 3),
    "stride": nn.Conv2d(4, 8, 3, stride=2),
    "padding": nn.Conv2d(4, 8, 3, padding=1),
    "padding of names": nn.Conv2d(4, 8, 3, padding="same"),
    "dilation": nn.Conv2d(4, 8, 3, dilation=2),
    "groups": nn.Conv2d(4, 8, 3, groups=2),
    "padding mode": nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"),
    "no bias": nn.Conv2d(4, 8, 3, bias=False),
    "kernel": nn.Conv2d(4, 8, 1),
    "type": nn.Conv2d(4, 8, 3, dtype=torch.float64),
    "transposed": nn.ConvTranspose2d(4, 8, 3),
    "output padding": nn.ConvTranspose2d(4, 8, 3, stride=2, output_padding=1),
    "batch norm": nn.BatchNorm2d(8),
    "eps": nn.BatchNorm2d(8, eps=1e-3),
    "no statistics": nn.BatchNorm2d(8, track_running_stats=False),
    "group norm": nn.GroupNorm(2, 8),
    "other groups": nn.GroupNorm(4, 8),
    "instance norm": nn.InstanceNorm2d(8),
    "slope": nn.LeakyReLU(0.1),
    "other slope": nn.LeakyReLU(0.2),
    "upsample": nn.Upsample(scale_factor=2),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "elu": nn.ELU(),
    "elu's alpha": nn.ELU(0.5),
    "softmax": nn.Softmax(1),
    "softmax's axis": nn.Softmax(2),
    "hardtanh": nn.Hardtanh(),
    "hardtanh's bounds": nn.Hardtanh(-2, 2),
    "constant pad": nn.ConstantPad2d(1, 0.0),
    "constant pad's value": nn.ConstantPad2d(1, -torch.inf),
    "softplus": nn.Softplus(),
    "softplus' beta": nn.Softplus(beta=2),
    "average": nn.AvgPool2d(2),
    "average without its pad": nn.AvgPool2d(2, count_include_pad=False),
    "gelu": nn.GELU(),
    "gelu by tanh": nn.GELU("tanh"),
    "power mean": nn.LPPool2d(2, 3),
    "another power": nn.LPPool2d(3, 3),
    "shrink": nn.Hardshrink(),
    "shrink's bound": nn.Hardshrink(0.3),
    "random slope": nn.RReLU(),
    "random slope's bounds": nn.RReLU(0.2, 0.4),
    "threshold": nn.Threshold(0.1, 2),
    "threshold's value": nn.Threshold(0.1, 3),
    "flat": nn.Flatten(),
    "flat from another axis": nn.Flatten(2),
    "aligned": nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
}


def test_everything_that_changes_what_a_layer_computes_changes_its_line() -> None:
    lines = {name: layer_lines(nn.Sequential(module))[1] for name, module in VARIANTS.items()}
    assert len(set(lines.values())) == len(lines)


class Own(nn.Module):
    """A user's module, which keeps what it was made with, and counts its calls."""

    def __init__(self, gain: float, activation: Callable[[Tensor], Tensor] = torch.relu, *, shape: object = None):
        super().__init__()
        self.gain = gain
        self._activation = activation
        self.shape = shape
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return self.gain * images


def test_a_users_hyper_parameters_count_and_what_a_module_remembers_does_not() -> None:
    used = Own(2.0)
    used(torch.zeros(1))
    used.eval()
    assert layer_lines(used) == layer_lines(Own(2))
    variants = [Own(2), Own(3), Own(2, torch.tanh), Own(2, shape=(1, [2, {"a": 1}])), Own(2, shape=(1, [2, {"a": 2}]))]
    assert len({layer_lines(module) for module in variants}) == len(variants)


def test_what_changes_training_alone_does_not_count() -> None:
    assert layer_lines(nn.Dropout(0.1)) == layer_lines(nn.Dropout(0.5))
    assert layer_lines(nn.BatchNorm2d(3, momentum=None)) == layer_lines(nn.BatchNorm2d(3))
    assert layer_lines(nn.ReLU(inplace=True)) == layer_lines(nn.ReLU())


def test_a_name_with_a_tab_is_not_taken_for_the_end_of_the_first_words() -> None:
    odd = nn.Sequential()
    odd.add_module("a\tb", nn.ELU())
    assert as_first_written(layer_lines(odd)) == (". Sequential", "a b ELU")


def test_the_place_of_a_layer_is_part_of_it() -> None:
    conv, relu = nn.Conv2d(3, 3, 1), nn.ReLU()
    assert layer_lines(nn.Sequential(conv, relu)) != layer_lines(nn.Sequential(relu, conv))


def test_an_object_of_the_users_does_not_put_its_address_into_a_line() -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mode = object()

    assert layer_lines(Mine()) == (". Mine\t{}",)


@pytest.mark.parametrize("module", [nn.Conv2d(3, 8, 3), nn.Upsample(scale_factor=(2.0, 2.0)), nn.LayerNorm([8, 4, 4])])
def test_lines_are_json_text(module: nn.Module) -> None:
    assert json.loads(json.dumps(layer_lines(module))) == list(layer_lines(module))
