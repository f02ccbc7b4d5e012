"""What each adapter computes: at its start the layer, then what its formula says, and what peft computes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchmarks.evidence.baselines.dora import DoraAdapter
from benchmarks.evidence.baselines.hadamard import HadamardProduct
from benchmarks.evidence.baselines.hypernetwork import FilterHypernetwork, units_of
from benchmarks.evidence.baselines.layers import rows_of, weight_of
from benchmarks.evidence.baselines.low_rank import LowRankAdapter

LAYERS = pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(3, 5, 4, stride=2, padding=1), nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1)],
    ids=["down", "up"],
)


def drawn(module: nn.Module) -> None:
    """Give every adapter's parameter a value that is not its start."""
    for parameter in module.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.5)


def lora(layer: nn.Module, rank: int, scale: float) -> nn.Module:
    return LowRankAdapter(layer, rank, scale)


def dora(layer: nn.Module, rank: int, scale: float) -> nn.Module:
    return DoraAdapter(layer, rank, scale)


def loha(layer: nn.Module, rank: int, scale: float) -> nn.Module:
    parametrize.register_parametrization(layer, "weight", HadamardProduct(layer, rank, scale))
    return layer


def hypernetwork(layer: nn.Module, rank: int, scale: float) -> nn.Module:
    parametrize.register_parametrization(layer, "weight", FilterHypernetwork(layer, rank, scale))
    return layer


@LAYERS
@pytest.mark.parametrize("adapted", [lora, dora, loha, hypernetwork])
def test_an_adapter_starts_as_the_layer(layer: nn.Module, adapted: Callable[..., nn.Module]) -> None:
    images = torch.randn(2, 3, 8, 8)
    adapter = adapted(copy.deepcopy(layer), 2, 3.0)
    torch.testing.assert_close(adapter(images), layer(images))


@LAYERS
def test_a_low_rank_adapter_adds_its_product_of_kernels(layer: nn.Module) -> None:
    adapter = LowRankAdapter(copy.deepcopy(layer), rank=2, scale=3.0)
    nn.init.normal_(adapter.up.weight)
    merged = copy.deepcopy(layer)
    merged.weight.data += 3.0 * low_rank_part(adapter)
    images = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(adapter(images), merged(images))


@LAYERS
def test_dora_gives_each_filter_its_magnitude(layer: nn.Module) -> None:
    adapter = DoraAdapter(copy.deepcopy(layer).requires_grad_(False), rank=2, scale=3.0)
    drawn(adapter)
    merged = copy.deepcopy(layer)
    merged.weight.data += 3.0 * low_rank_part(adapter)
    for number, magnitude in enumerate(adapter.magnitude.detach()):
        own = merged.weight.data[number] if isinstance(layer, nn.Conv2d) else merged.weight.data[:, number]
        own *= magnitude / own.square().sum().sqrt()
    images = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(adapter(images), merged(images))


def low_rank_part(adapter: LowRankAdapter) -> Tensor:
    along = "or,rikl->oikl" if isinstance(adapter.convolution, nn.Conv2d) else "or,irkl->iokl"
    return torch.einsum(along, adapter.up.weight[..., 0, 0], adapter.down.weight).detach()


@LAYERS
def test_loha_and_the_hypernetwork_add_whole_filters(layer: nn.Module) -> None:
    axis = 0 if isinstance(layer, nn.Conv2d) else 1
    product, made = HadamardProduct(layer, rank=2, scale=3.0), FilterHypernetwork(layer, units=2, scale=3.0)
    drawn(product)
    drawn(made)
    for number in range(5):
        (a, c), (b, d) = product.left, product.right
        hidden = (made.hidden.weight @ made.embedding[number] + made.hidden.bias).clamp(min=0)
        own = (layer.weight.data.select(axis, number)).flatten()
        torch.testing.assert_close(
            product(layer.weight).select(axis, number).flatten(), own + 3 * (a[number] @ b) * (c[number] @ d)
        )
        torch.testing.assert_close(
            made(layer.weight).select(axis, number).flatten(), own + 3 * made.made.weight @ hidden
        )


@LAYERS
def test_rows_are_filters_and_there_is_a_way_back(layer: nn.Module) -> None:
    axis = 0 if isinstance(layer, nn.Conv2d) else 1
    rows = rows_of(layer.weight, axis)
    assert rows.shape == (5, 48)
    assert torch.equal(rows[3], layer.weight.select(axis, 3).flatten())
    assert torch.equal(weight_of(rows, layer.weight, axis), layer.weight)


@LAYERS
def test_a_hypernetwork_has_as_many_units_as_fit(layer: nn.Module) -> None:
    for parameters in (200, 1000):
        sizes = {units: sum(p.numel() for p in FilterHypernetwork(layer, units).parameters()) for units in range(1, 30)}
        assert units_of(layer, parameters) == max(units for units, size in sizes.items() if size <= parameters)


def pefts_lora(theirs: Any, ours: Any) -> dict[Tensor, Tensor]:
    return {
        theirs.lora_A["default"].weight: ours.down.weight,
        theirs.lora_B["default"].weight: ours.up.weight,
    }


def pefts_dora(theirs: Any, ours: Any) -> dict[Tensor, Tensor]:
    return pefts_lora(theirs, ours) | {theirs.lora_magnitude_vector["default"].weight: ours.magnitude}


def pefts_loha(theirs: Any, ours: Any) -> dict[Tensor, Tensor]:
    product = ours.parametrizations.weight[0]
    return {
        theirs.hada_w1_a["default"]: product.left[0],
        theirs.hada_w1_b["default"]: product.right[0],
        theirs.hada_w2_a["default"]: product.left[1],
        theirs.hada_w2_b["default"]: product.right[1],
    }


@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize(
    ("adapted", "partners"), [(lora, pefts_lora), (dora, pefts_dora), (loha, pefts_loha)], ids=["lora", "dora", "loha"]
)
def test_on_convolutions_an_adapter_is_pefts(
    adapted: Callable[..., nn.Module], partners: Callable[[Any, Any], dict[Tensor, Tensor]], scale: float
) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed: pip install 'piggygan[benchmarks]'")
    rank, places = 2, ["0", "2"]
    plain = nn.Sequential(nn.Conv2d(3, 6, 4, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(6, 3, 3, padding=1))
    config = (
        peft.LoHaConfig(r=rank, alpha=scale * rank, target_modules=places)
        if adapted is loha
        else peft.LoraConfig(r=rank, lora_alpha=scale * rank, target_modules=places, use_dora=adapted is dora)
    )
    theirs = peft.get_peft_model(copy.deepcopy(plain), config)
    own = copy.deepcopy(plain).requires_grad_(False)
    pairs: list[tuple[Tensor, Tensor]] = []
    for place in (0, 2):
        own[place] = adapted(own[place], rank, scale)
        drawn(own[place])
        found = partners(theirs.base_model.model[place], own[place])
        for yours, mine in found.items():
            yours.data.copy_(mine.detach().reshape(yours.shape))
        pairs += found.items()
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(own(images), theirs(images))
    own(images).square().sum().backward()
    theirs(images).square().sum().backward()
    assert len(pairs) == sum(p.requires_grad for p in own.parameters())
    for yours, mine in pairs:
        torch.testing.assert_close(mine.grad, yours.grad.reshape(mine.shape), rtol=1e-4, atol=1e-4)
