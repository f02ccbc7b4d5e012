"""All promises at once for the networks that papers use, at their full depth and image size, but narrow."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import piggygan as pg

NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "unet_128": (lambda: pg.UNetGenerator(depth=7, width=2, norm="batch"), 128),
    "unet_256": (lambda: pg.UNetGenerator(depth=8, width=2, norm="instance"), 256),
    "resnet_6blocks": (lambda: pg.ResNetGenerator(blocks=6, width=2), 64),
    "resnet_9blocks": (lambda: pg.ResNetGenerator(blocks=9, width=2), 64),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_every_promise_holds_at_full_depth(network: str) -> None:
    make, side = NETWORKS[network]
    torch.manual_seed(0)
    generator, x = make().eval(), torch.randn(2, 3, side, side).clamp(-1, 1)
    with torch.no_grad():
        bare = generator(x)
        model = pg.MultiTaskGenerator(generator, "facades").eval()
        assert torch.equal(model(x), bare)
        model.freeze_task("facades")
        model.add_task("lungs", max_bank=None)
        assert torch.equal(model(x, task="lungs"), bare)
    optimizer = torch.optim.Adam(model.task_parameters("lungs"), lr=1e-2)
    model.train()(x, task="lungs").square().mean().backward()
    optimizer.step()
    model.freeze_task("lungs")
    with torch.no_grad():
        model.eval()
        assert model(x, task="facades").numpy().tobytes() == bare.numpy().tobytes()
        lungs = model(x, task="lungs")
        assert not torch.equal(lungs, bare)
        assert model.fold_task("lungs")(x).numpy().tobytes() == lungs.numpy().tobytes()
        mixed = model(x, task=["lungs", "facades"])
        torch.testing.assert_close(torch.stack(mixed), torch.stack([lungs[0], bare[1]]), rtol=1e-3, atol=1e-4)
