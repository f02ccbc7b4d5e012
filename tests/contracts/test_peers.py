"""Generators that nobody here wrote: MONAI's and diffusers', wrapped as ``plan`` suggests, through a task's whole life.

They come with ``pip install piggygan[dev-peers]``; without it these tests are skipped.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import ConfigurationError

pytestmark = pytest.mark.filterwarnings("ignore")  # their own, of which we know nothing


class Peer(NamedTuple):
    """A network of somebody else's.

    Attributes:
        module: Where its class is.
        name: Of its class.
        settings: What it is made with.
        shape: Of its images.
        further: Its other inputs.
        channels: Whether a task may have other channels: of the input, of the output.
    """

    module: str
    name: str
    settings: dict[str, Any]
    shape: tuple[int, ...]
    further: tuple[Tensor, ...] = ()
    channels: tuple[bool, bool] = (True, True)

    def make(self) -> nn.Module:
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                library = importlib.import_module(self.module)
            except ImportError:
                pytest.skip(f"{self.module} is not installed: pip install 'piggygan[dev-peers]'")
        made: nn.Module = getattr(library, self.name)(**self.settings)
        return made

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(1)), *self.further


MONAI, TWO_D = "monai.networks.nets", {"spatial_dims": 2, "in_channels": 3, "out_channels": 3}
IMAGE = (2, 3, 32, 32)
UNET = {**TWO_D, "channels": (4, 8, 16), "strides": (2, 2)}
SWIN = {**TWO_D, "feature_size": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 2, 4)}
DYN = {**TWO_D, "kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2], "filters": [4, 8, 16]}

PEERS: dict[str, Peer] = {
    "UNet": Peer(MONAI, "UNet", {**UNET, "norm": "batch"}, IMAGE),
    "UNet of residual units": Peer(MONAI, "UNet", {**UNET, "num_res_units": 2}, IMAGE, channels=(False, False)),
    "UNet of volumes": Peer(MONAI, "UNet", {**UNET, "spatial_dims": 3}, (1, 3, 16, 16, 16)),
    "UNet of signals": Peer(MONAI, "UNet", {**UNET, "spatial_dims": 1}, (2, 3, 32)),
    "BasicUNet": Peer(MONAI, "BasicUNet", {**TWO_D, "features": (4, 4, 8, 8, 16, 4)}, IMAGE),
    "BasicUNetPlusPlus": Peer(MONAI, "BasicUNetPlusPlus", {**TWO_D, "features": (4, 4, 8, 8, 16, 4)}, IMAGE),
    "AttentionUnet": Peer(MONAI, "AttentionUnet", UNET, IMAGE),
    "SegResNet": Peer(MONAI, "SegResNet", {**TWO_D, "init_filters": 8}, IMAGE),
    "DynUNet": Peer(MONAI, "DynUNet", DYN, IMAGE),
    "DynUNet of residual blocks": Peer(MONAI, "DynUNet", {**DYN, "res_block": True}, IMAGE, channels=(False, True)),
    "DynUNet of deep supervision": Peer(
        MONAI, "DynUNet", {**DYN, "deep_supervision": True, "deep_supr_num": 1}, IMAGE, channels=(True, False)
    ),
    "VNet": Peer(
        MONAI, "VNet", {"spatial_dims": 2, "in_channels": 1, "out_channels": 1}, (1, 1, 32, 32), channels=(False, True)
    ),
    "UNETR": Peer(
        MONAI,
        "UNETR",
        {**TWO_D, "img_size": (32, 32), "feature_size": 4, "hidden_size": 24, "mlp_dim": 32, "num_heads": 2},
        IMAGE,
        channels=(False, True),
    ),
    "SwinUNETR": Peer(MONAI, "SwinUNETR", SWIN, (1, 3, 64, 64), channels=(False, True)),
    "SwinUNETR of checkpointed activations": Peer(
        MONAI, "SwinUNETR", {**SWIN, "use_checkpoint": True}, (1, 3, 64, 64), channels=(False, True)
    ),
    "MedNeXt": Peer(MONAI, "MedNeXt", {**TWO_D, "init_filters": 4}, IMAGE),
    "FlexibleUNet": Peer(MONAI, "FlexibleUNet", {**TWO_D, "backbone": "efficientnet-b0"}, (1, 3, 64, 64)),
    "UNet2DModel": Peer(
        "diffusers",
        "UNet2DModel",
        {
            "sample_size": 16,
            "block_out_channels": (8, 16),
            "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
            "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
            "norm_num_groups": 4,
            "attention_head_dim": 4,
            "layers_per_block": 1,
        },
        (2, 3, 16, 16),
        (torch.tensor([3, 7]),),
    ),
}
SLOW = {"FlexibleUNet"}


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in PEERS])
def peer(request: pytest.FixtureRequest) -> Peer:
    return PEERS[request.param]


def tensors(outputs: Any) -> Iterator[Tensor]:
    if isinstance(outputs, Tensor):
        yield outputs
    else:
        for part in outputs.values() if isinstance(outputs, Mapping) else outputs:
            yield from tensors(part)


def digits(outputs: Any) -> bytes:
    return b"".join(tensor.detach().contiguous().numpy().tobytes() for tensor in tensors(outputs))


def computed(network: Callable[..., Any], peer: Peer, **options: Any) -> bytes:
    with torch.no_grad():
        return digits(network(*peer.inputs, **options))


def wrapped(peer: Peer) -> pg.MultiTaskGenerator:
    generator = peer.make()
    return pg.MultiTaskGenerator(generator, "facades", per_task=pg.plan(generator).undecided)


def learn(model: pg.MultiTaskGenerator, peer: Peer) -> None:
    """Take one step for ``lungs``; a part that an output does not depend on need not move."""
    optimizer = torch.optim.SGD(model.task_parameters("lungs"), lr=0.01)
    lungs = model.train().view(
        "lungs"
    )  # a view knows its task in the backward pass too, where activations are recomputed
    loss = sum(part.square().mean() for part in tensors(lungs(*peer.inputs)))
    loss.backward()  # type: ignore[union-attr]  # a sum of tensors
    optimizer.step()
    optimizer.zero_grad()


def test_a_peer_lives_a_tasks_whole_life(peer: Peer, tmp_path: Path) -> None:
    bare = peer.make().eval()
    expected = computed(bare, peer)
    model = wrapped(peer).eval()
    assert computed(model, peer) == expected
    model.freeze_task("facades")
    model.add_task("lungs")
    learn(model, peer)
    model.freeze_task("lungs")
    folded = model.fold_task("lungs").eval()  # right after a step, while graphs may still be held
    model.eval()
    assert computed(model, peer, task="facades") == expected
    learned = computed(model, peer, task="lungs")
    assert learned != expected
    assert computed(folded, peer) == learned
    assert type(folded) is type(bare)
    assert folded.state_dict().keys() == bare.state_dict().keys()

    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task, probe=peer.inputs)
    loaded = registry.load(generator=peer.make())
    assert computed(loaded, peer, task="facades") == expected
    assert computed(loaded, peer, task="lungs") == learned
    assert all(check.state == "equal" for check in registry.verify(generator=peer.make()))


def test_no_layer_of_a_peer_costs_a_task_more_than_itself(peer: Peer) -> None:
    model = wrapped(peer)
    model.freeze_task("facades")
    model.add_task("lungs")
    lungs = model.overhead()["lungs"]
    assert all(layer.parameters <= layer.effective for layer in lungs.layers)
    generator = peer.make()
    assert pg.plan(generator, per_task=pg.plan(generator).undecided).share == pytest.approx(lungs.share)


@pytest.mark.parametrize("end", ["in_channels", "out_channels"])
def test_other_channels_come_out_or_are_refused_when_the_task_is_added(peer: Peer, end: str) -> None:
    model = wrapped(peer)
    model.freeze_task("facades")
    if not peer.channels[end == "out_channels"]:
        with pytest.raises(ConfigurationError, match=f"{end} cannot be 2.*_layer="):
            model.add_task("lungs", **{end: 2})
        return
    model.add_task("lungs", **{end: 2})
    images, *further = peer.inputs
    if end == "in_channels":
        images = images[:, :1].repeat(1, 2, *[1] * (images.dim() - 2))
    outputs = model.eval()(images, *further, task="lungs")
    assert all(part.shape[1] == (2 if end == "out_channels" else peer.shape[1]) for part in tensors(outputs))


def test_the_refusal_of_a_network_of_many_parts_is_short_and_says_what_to_do(peer: Peer) -> None:
    planned = pg.plan(peer.make())
    assert len("; ".join(planned.refusals)) < 400
    assert planned.is_possible == (not planned.undecided)
