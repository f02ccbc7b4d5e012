"""Training loops that others wrote take a view as their network, and the base task keeps its bytes.

The loop is that of pytorch-CycleGAN-and-pix2pix, restated: how it makes, initializes, moves, trains, saves, loads and
goes on with a network, in its forms of 2021 (``init_net`` in the constructor, DataParallel) and 2025 (``init_net`` in
``setup``, after the network was made).
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

import piggygan as pg
from piggygan.data.batches import PairBatch
from piggygan.training import Pix2PixObjective, SupervisedObjective, TrainingOptions, train

Form = Literal[2021, 2025]


def initialized(network: nn.Module, form: Form) -> nn.Module:
    """As the repository's ``init_net``: normal kernels of gain 0.02, whatever the network held before."""

    def init(module: nn.Module) -> None:
        name = type(module).__name__
        if hasattr(module, "weight") and ("Conv" in name or "Linear" in name):
            module.weight.data.normal_(0.0, 0.02)
            if getattr(module, "bias", None) is not None:
                module.bias.data.zero_()
        elif "BatchNorm2d" in name:
            module.weight.data.normal_(1.0, 0.02)
            module.bias.data.zero_()

    if form == 2021:
        network.to("cpu")
        network = nn.DataParallel(network)
    network.apply(init)
    return network


class Pix2PixLoop:
    """What the repository's ``Pix2PixModel`` and ``BaseModel`` do with their two networks."""

    def __init__(self, generator: nn.Module, form: Form, folder: Path) -> None:
        self.folder = folder
        self.form = form
        self.netG = initialized(generator, form)
        self.netD = initialized(pg.PatchDiscriminator(6, layers=1, width=4), form)
        self.optimizers = [
            torch.optim.Adam(self.netG.parameters(), lr=2e-3, betas=(0.5, 0.999)),
            torch.optim.Adam(self.netD.parameters(), lr=2e-3, betas=(0.5, 0.999)),
        ]
        self.schedulers = [
            lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - max(0, epoch - 1) / 3) for optimizer in self.optimizers
        ]

    @staticmethod
    def set_requires_grad(networks: list[nn.Module], requires_grad: bool) -> None:
        for network in networks:
            for parameter in network.parameters():
                parameter.requires_grad = requires_grad

    def optimize_parameters(self, real: Tensor, target: Tensor) -> None:
        fake = self.netG(real)
        self.set_requires_grad([self.netD], True)
        self.optimizers[1].zero_grad()
        seen = self.netD(torch.cat([real, fake], 1).detach()), self.netD(torch.cat([real, target], 1))
        (seen[0].square().mean() + (1 - seen[1]).square().mean()).backward()
        self.optimizers[1].step()
        self.set_requires_grad([self.netD], False)
        self.optimizers[0].zero_grad()
        judged = self.netD(torch.cat([real, fake], 1))
        ((1 - judged).square().mean() + 100 * (fake - target).abs().mean()).backward()
        self.optimizers[0].step()

    def update_learning_rate(self) -> None:
        for scheduler in self.schedulers:
            scheduler.step()

    def save_networks(self, epoch: str) -> None:
        for name in ("netG", "netD"):
            network = getattr(self, name)
            plain = network.module if isinstance(network, nn.DataParallel) else network
            torch.save(plain.cpu().state_dict(), self.folder / f"{epoch}_{name}.pth")

    def load_networks(self, epoch: str) -> None:
        for name in ("netG", "netD"):
            network: Any = getattr(self, name)
            if isinstance(network, nn.DataParallel):
                network = network.module
            state = torch.load(self.folder / f"{epoch}_{name}.pth", map_location="cpu", weights_only=True)
            if hasattr(state, "_metadata"):
                del state._metadata
            for key in list(state):  # the repository walks every key, to patch instance norms of old versions
                module = network
                for part in key.split(".")[:-1]:
                    module = getattr(module, part)
                assert isinstance(module, nn.Module)
            network.load_state_dict(state)

    def test(self, real: Tensor) -> Tensor:
        self.netG.eval()
        with torch.no_grad():
            output: Tensor = self.netG(real)
        self.netG.train()
        return output


def learned_facades(form: Form, folder: Path, batch: tuple[Tensor, Tensor]) -> pg.MultiTaskGenerator:
    torch.manual_seed(1)
    generator = pg.UNetGenerator(depth=4, width=4, norm="batch", dropout=True)
    model = pg.MultiTaskGenerator(generator, "facades").train()
    loop = Pix2PixLoop(model.view("facades"), form, folder)
    for _ in range(2):
        loop.optimize_parameters(*batch)
    model.freeze_task("facades")
    return model


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.rand(2, 3, 16, 16) * 2 - 1, torch.rand(2, 3, 16, 16) * 2 - 1


@pytest.mark.parametrize("form", [2021, 2025])
def test_a_base_task_learns_in_the_pix2pix_repositorys_loop_as_the_plain_network_does(
    form: Form, batch: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    plain = pg.UNetGenerator(depth=4, width=4, norm="batch")
    view = pg.MultiTaskGenerator(copy.deepcopy(plain), "facades").train().view("facades")
    outputs = []
    for network in (plain, view):
        torch.manual_seed(2)
        loop = Pix2PixLoop(network, form, tmp_path)
        for _ in range(2):
            loop.optimize_parameters(*batch)
        outputs.append(loop.test(batch[0]))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("form", [2021, 2025])
def test_a_second_task_learns_in_the_pix2pix_repositorys_loop_and_the_base_keeps_its_bytes(
    form: Form, batch: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    model = learned_facades(form, tmp_path, batch)
    facades = model.fold_task("facades").eval()(batch[0])
    tensors = {name: tensor.numpy().tobytes() for name, tensor in model.task_tensors("facades").items()}

    model.add_task("lungs")
    loop = Pix2PixLoop(model.view("lungs"), form, tmp_path)
    loop.set_requires_grad([loop.netG, loop.netD], True)
    first = {name: tensor.clone() for name, tensor in model.task_tensors("lungs").items()}
    for _ in range(3):
        loop.optimize_parameters(*batch)
        loop.update_learning_rate()
    learned = model.task_tensors("lungs")
    assert all(not torch.equal(learned[name], first[name]) for name in learned if name.endswith("factors"))
    loop.save_networks("latest")

    model.check_frozen()
    model.eval()
    assert torch.equal(model(batch[0], task="facades"), facades)
    assert {name: tensor.numpy().tobytes() for name, tensor in model.task_tensors("facades").items()} == tensors

    again = learned_facades(form, tmp_path / "..", batch)  # --continue_train, in another process
    again.add_task("lungs")
    continued = Pix2PixLoop(again.view("lungs"), form, tmp_path)
    continued.load_networks("latest")
    assert torch.equal(continued.test(batch[0]), loop.test(batch[0]))
    again.freeze_task("lungs")
    initialized(again.view("lungs"), form)  # a loop that is started anew on what is frozen
    again.check_frozen()
    assert torch.equal(again.eval()(batch[0], task="lungs"), loop.test(batch[0]))


def test_our_own_loop_takes_a_view_and_sees_what_it_draws_on(batch: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    model = learned_facades(2025, tmp_path, batch)
    model.add_task("lungs")
    pairs = [PairBatch(*batch, ["a", "b"])]
    objective = Pix2PixObjective(model.view("lungs"), pg.PatchDiscriminator(6, layers=1, width=4))
    before = {name: tensor.clone() for name, tensor in model.task_tensors("lungs").items()}
    train(objective, pairs, TrainingOptions(epochs=2, progress=False))
    assert any(not torch.equal(tensor, before[name]) for name, tensor in model.task_tensors("lungs").items())

    def write_into_facades(_: Any) -> None:
        with torch.no_grad():
            next(iter(model.task_tensors("facades").values())).add_(1.0)

    supervised = SupervisedObjective(model.view("lungs"))
    with pytest.raises(pg.errors.FrozenTensorError, match="facades"):
        train(supervised, pairs, TrainingOptions(epochs=1, progress=False), on_epoch=write_into_facades)
    with pytest.raises(pg.errors.FrozenTaskError, match="facades"):
        train(supervised, pairs, TrainingOptions(epochs=1, progress=False))
