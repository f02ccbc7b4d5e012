"""The recipe of nnU-Net's kind: its network, its losses, its rates, and that it learns."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import piggygan as pg
from benchmarks.evidence.baselines.nnunet_recipe import NnUNetRecipe, deep_loss, varied
from benchmarks.evidence.baselines.plain_unet import PlainUNet, standardized
from piggygan.data import Pair, collate_pairs
from piggygan.training import EpochRecord, SupervisedObjective, TrainingOptions


def test_levels_go_down_to_a_side_of_4_and_channels_double_up_to_16_times() -> None:
    network = PlainUNet(levels=6, width=2)
    sizes = {tuple(found.shape[2:]) for found in network.logits(torch.randn(2, 1, 128, 128))}
    assert sizes == {(side, side) for side in (8, 16, 32, 64, 128)}
    strided = [m for m in network.encoder.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    assert [m.out_channels for m in strided] == [4, 8, 16, 32, 32]


def test_a_level_is_two_convolutions_a_norm_each_and_an_answer() -> None:
    """Counted by hand: biases and affine norms everywhere, 2 x 2 doublings, 1 x 1 answers."""
    channels = [2, 4, 8, 16, 32, 32]
    down = [9 * c_in * c_out + 9 * c_out * c_out + 6 * c_out for c_in, c_out in pairwise([1, *channels])]
    up = [
        4 * inner * outer + outer + 9 * 2 * outer * outer + 9 * outer * outer + 6 * outer + outer + 1
        for outer, inner in pairwise(channels)
    ]
    assert sum(p.numel() for p in PlainUNet(levels=6, width=2).parameters()) == sum(down) + sum(up)


def test_outputs_are_pictures_of_three_equal_channels_and_grey_levels_do_not_matter() -> None:
    network = PlainUNet(levels=2, width=2).eval()
    films = torch.rand(2, 1, 16, 16).expand(-1, 3, -1, -1)
    output = network(films)
    assert output.shape == films.shape
    assert torch.equal(output[:, 0], output[:, 2])
    assert output.abs().max() < 1
    torch.testing.assert_close(network(0.5 * films - 0.3), output)


def test_the_loss_is_dice_over_the_batch_and_cross_entropy_weighted_by_size() -> None:
    logits = [torch.randn(2, 1, side, side, dtype=torch.float64) for side in (8, 4, 2)]
    masks = (torch.rand(2, 1, 8, 8, dtype=torch.float64) > 0.5).double()
    expected = 0.0
    for weight, found, step in ((2 / 3, logits[0], 1), (1 / 3, logits[1], 2)):
        p, t = 1 / (1 + (-found).exp()), masks[:, :, ::step, ::step]
        entropy = -(t * p.log() + (1 - t) * (1 - p).log()).mean()
        expected += weight * (entropy - (2 * (p * t).sum() + 1e-5) / (p.sum() + t.sum() + 1e-5))
    torch.testing.assert_close(deep_loss(logits, masks), torch.as_tensor(expected))


def test_films_are_varied_and_stay_what_a_mask_can_be_read_off() -> None:
    torch.manual_seed(0)
    films = standardized(torch.rand(64, 3, 8, 8))
    found = varied(films)
    same = (found - films).abs().amax((1, 2, 3)) < 1e-5
    assert 20 < same.sum() < 56
    rows = torch.stack([films.flatten(1), found.flatten(1)])
    alike = [torch.corrcoef(rows[:, number])[0, 1].item() for number in range(64)]
    assert min(alike) > 0.9


def test_it_learns_by_rates_that_fall_as_a_power_and_clips() -> None:
    torch.manual_seed(0)
    contender = NnUNetRecipe(pg.UNetGenerator(depth=3, width=4), "facades")
    contender.begin("lungs")
    films = torch.rand(4, 1, 16, 16).round().expand(-1, 3, -1, -1) * 2 - 1
    pairs = [Pair(film, film[:1], "film") for film in films] * 3
    loader = DataLoader(pairs, batch_size=4, collate_fn=collate_pairs)
    seen: list[EpochRecord] = []
    objective = SupervisedObjective(contender.network("lungs"))
    options = TrainingOptions(epochs=10, learning_rate=1.0, progress=False)
    history = contender.learn("lungs", objective, loader, options, seen.append)
    assert seen == history.epochs
    assert [record.learning_rate for record in seen] == pytest.approx([1e-2 * (1 - e / 10) ** 0.9 for e in range(10)])
    losses = [record.losses["generator.dice and entropy"] for record in seen]
    assert losses[-1] < losses[0] / 2
    assert not contender.network("lungs").training
