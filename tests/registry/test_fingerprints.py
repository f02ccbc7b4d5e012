from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from piggygan.registry.fingerprints import layer_lines


def test_a_line_has_path_class_settings_and_tensors() -> None:
    generator = nn.Sequential(nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1, output_padding=1, bias=False))
    assert layer_lines(generator) == (
        ". Sequential",
        "0 ConvTranspose2d dilation=[1, 1] groups=1 kernel_size=[4, 4] output_padding=[1, 1] padding=[1, 1] "
        'padding_mode="zeros" stride=[2, 2] weight=float32[3, 8, 4, 4]',
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
    "aligned": nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
}


def test_everything_that_changes_what_a_layer_computes_changes_its_line() -> None:
    lines = {name: layer_lines(nn.Sequential(module))[1] for name, module in VARIANTS.items()}
    assert len(set(lines.values())) == len(lines)


def test_the_place_of_a_layer_is_part_of_it() -> None:
    conv, relu = nn.Conv2d(3, 3, 1), nn.ReLU()
    assert layer_lines(nn.Sequential(conv, relu)) != layer_lines(nn.Sequential(relu, conv))


def test_an_object_of_the_users_does_not_put_its_address_into_a_line() -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mode = object()

    assert layer_lines(Mine()) == (". Mine",)


@pytest.mark.parametrize("module", [nn.Conv2d(3, 8, 3), nn.Upsample(scale_factor=(2.0, 2.0)), nn.LayerNorm([8, 4, 4])])
def test_lines_are_json_text(module: nn.Module) -> None:
    assert json.loads(json.dumps(layer_lines(module))) == list(layer_lines(module))
