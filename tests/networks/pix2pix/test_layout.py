"""What a generator is, read off names and shapes, and held against every one of them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import CheckpointError, ConfigurationError
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix.layout import COUNTER, described, fitted, listed, plain_names, read_architecture


def test_17_14_kernels_of_more_numbers_than_can_be_counted_are_refused() -> None:
    wide = torch.zeros(1).expand(2**40, 3, 4, 4)
    tensors = {
        "model.model.0.weight": wide,
        "model.model.3.weight": wide.transpose(0, 1).transpose(0, 1),
        "model.model.1.model.3.bias": torch.zeros(1),
    }
    with pytest.raises(CheckpointError, match="wider than any network's"):
        read_architecture(tensors)


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    return dict(network.state_dict())


@pytest.mark.parametrize(
    "network",
    [
        UNetGenerator(2, 1, depth=5, width=3, norm="batch"),
        UNetGenerator(3, 4, depth=6, width=2, norm="instance", affine=False),
        ResNetGenerator(1, 3, blocks=2, width=2, norm="batch"),
        ResNetGenerator(3, 3, blocks=3, width=4, norm="instance", dropout=True),
    ],
    ids=lambda network: type(network).__name__,
)
def test_an_architecture_is_read_and_fits_every_tensor(network: UNetGenerator | ResNetGenerator) -> None:
    tensors = plain_names(tensors_of(network))
    read = read_architecture(tensors)
    assert type(read) is type(network)
    assert read.arguments == network.arguments
    assert all(parameter.is_meta for parameter in read.parameters())
    assert list(fitted(tensors, read)) == list(read.state_dict())


def test_wrappers_come_off_and_blocks_get_the_repositorys_name() -> None:
    one = torch.zeros(1)
    assert list(plain_names({"_orig_mod.module.module.model.4.block.0.weight": one})) == ["model.4.conv_block.0.weight"]
    mixed = {"module.a": one, "b": one}  # not every name: then it is no wrapper
    assert list(plain_names(mixed)) == ["module.a", "b"]
    assert plain_names({}) == {}
    with pytest.raises(CheckpointError, match="both block and conv_block"):
        plain_names({"model.4.block.0.weight": one, "model.4.conv_block.0.weight": one})


def test_dropout_is_asked_of_a_unet_and_seen_in_a_resnet() -> None:
    unet = tensors_of(UNetGenerator(depth=5, width=2))
    assert [read_architecture(unet, dropout=dropout).arguments["dropout"] for dropout in (False, True)] == [False, True]
    resnet = ResNetGenerator(blocks=2, width=2)
    with pytest.raises(ConfigurationError, match="this is a ResNet"):
        read_architecture(plain_names(tensors_of(resnet)), dropout=True)


def test_counters_are_put_in_and_statistics_of_instance_norms_are_dropped() -> None:
    batch = UNetGenerator(depth=5, width=2, norm="batch")
    without = {name: tensor for name, tensor in tensors_of(batch).items() if not name.endswith(COUNTER)}
    full = fitted(without, batch)
    counters = [tensor for name, tensor in full.items() if name.endswith(COUNTER)]
    assert counters
    assert all(counter.item() == 0 for counter in counters)
    assert len({counter.data_ptr() for counter in counters}) == len(counters)
    instance = UNetGenerator(depth=5, width=2, norm="instance", affine=False)
    tracked = tensors_of(instance) | {"model.model.1.model.2.running_mean": torch.zeros(4)}
    assert list(fitted(tracked, instance)) == list(instance.state_dict())


def test_what_does_not_fit_is_named_by_kind_and_the_first_few() -> None:
    network = UNetGenerator(depth=5, width=2, norm="batch")
    tensors = tensors_of(network)
    first, second = list(tensors)[:2]
    wrong = {**tensors, first: torch.zeros(1), **{f"x{number}": torch.zeros(1) for number in range(7)}}
    del wrong[second]
    with pytest.raises(CheckpointError) as caught:
        fitted(wrong, network)
    text = str(caught.value)
    assert "unknown: x0, x1, x2, x3, x4 and 2 more" in text
    assert f"missing: {second}" in text
    assert f"of another shape: {first}" in text
    assert "UNetGenerator(in_channels=3, " in text


def test_a_name_in_a_message_is_short_and_printable() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a" * 100]) == f"'{'a' * 80}'..."
    assert listed(["\x1b[2J"]).isprintable()
    assert described(ResNetGenerator(blocks=1, width=2)).startswith("ResNetGenerator(in_channels=3, out_channels=3, ")
