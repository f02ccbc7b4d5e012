"""A plain 2-d recipe of nnU-Net's kind, for each task of masks a network from scratch (Isensee et al. 2021).

Taken over: the plain U-Net with instance normalization, leaky ReLU, concatenated skips and deep supervision
(``plain_unet.py``); levels until a side is 4; z-scored films; Dice over the batch plus cross-entropy at each size but
the smallest, weights 1, 1/2, 1/4 ...; SGD with Nesterov momentum 0.99, weight decay 3e-5, a rate of 1e-2 that falls as
(1 - epoch / epochs)^0.9, gradients clipped at 12; gamma, inverted gamma and noise with its odds and ranges.

Not taken over: rotation, zoom, mirroring and contrast are those that all contenders' films have, smaller than
nnU-Net's (8 instead of 180 degrees, 0.85 to 1.15 instead of 0.7 to 1.4, left-right only: no film is upside down); no
planning of patches, spacing and batch sizes; no five folds and ensemble; no mirrored inference; no blur and low
resolution; and the preset's steps instead of 250,000.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from benchmarks.evidence.baselines.contender import CopyContender
from benchmarks.evidence.baselines.plain_unet import PlainUNet, standardized
from piggygan.data import EpochSampler, Pair
from piggygan.networks import UNetGenerator
from piggygan.training import Batch, EpochRecord, History, Objective, TrainingOptions
from piggygan.training.loop import EpochCallback

RATE, MOMENTUM, WEIGHT_DECAY, FALL, LARGEST_GRADIENT = 1e-2, 0.99, 3e-5, 0.9, 12.0
GAMMA, GAMMA_ODDS, INVERTED_ODDS = (0.7, 1.5), 0.3, 0.1
NOISE_VARIANCE, NOISE_ODDS = 0.1, 0.1


class NnUNetRecipe(CopyContender):
    """Separate plain U-Nets, learned as nnU-Net learns.

    Args:
        generator: Of the first task; of it the number of channels and halvings is taken.
        first: The first task's name.
    """

    def __init__(self, generator: UNetGenerator, first: str) -> None:
        super().__init__(generator, first)
        depth: int = generator.arguments["depth"]  # halves the picture to a side of 1
        self._levels, self._width = max(2, depth - 1), generator.arguments["width"]

    def adapt(self, network: nn.Module) -> nn.Module:  # noqa: ARG002
        """Start from scratch, with another network."""
        return PlainUNet(self._levels, self._width)

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """Everything."""
        return dict(network.state_dict())

    def learn(
        self,
        task: str,
        objective: Objective,
        loader: DataLoader[Pair],
        options: TrainingOptions,
        on_epoch: EpochCallback,
    ) -> History:
        """Learn by the recipe; of the options the epochs and the seed are taken."""
        network = self.networks[task]
        if not isinstance(network, PlainUNet):
            return super().learn(task, objective, loader, options, on_epoch)
        torch.manual_seed(options.seed)
        optimizer = torch.optim.SGD(
            network.parameters(), RATE, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
        )
        history = History()
        for epoch in range(options.epochs):
            optimizer.param_groups[0]["lr"] = rate = RATE * (1 - epoch / options.epochs) ** FALL
            started = time.perf_counter()
            if isinstance(loader.sampler, EpochSampler):
                loader.sampler.set_epoch(epoch)
            network.train()
            losses = [_step(network, optimizer, batch) for batch in loader]
            found = {"generator.dice and entropy": fmean(losses)}
            record = EpochRecord(epoch + 1, found, rate, time.perf_counter() - started, skipped_steps=0)
            history.epochs.append(record)
            network.eval()
            with torch.no_grad():
                on_epoch(record)
        return history


def _step(network: PlainUNet, optimizer: torch.optim.Optimizer, batch: Batch) -> float:
    device = next(network.parameters()).device
    films = varied(standardized(batch.input.to(device)))
    masks = (batch.target.to(device).mean(1, keepdim=True) + 1) / 2
    loss = deep_loss(network.logits(films), masks)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
    optimizer.step()
    return loss.item()


def deep_loss(logits: Sequence[Tensor], masks: Tensor) -> Tensor:
    """Return the weighted mean of Dice and cross-entropy losses at all sizes but the smallest, unless it is the only.

    Args:
        logits: ``(batch, 1, height, width)`` each, largest first.
        masks: 0 or 1, of the largest size.
    """
    looked_at = logits[: max(1, len(logits) - 1)]
    weights = [0.5**number for number in range(len(looked_at))]
    losses = [
        weight * _dice_and_entropy(found, functional.interpolate(masks, found.shape[-2:]))
        for weight, found in zip(weights, looked_at, strict=True)
    ]
    return torch.stack(losses).sum() / sum(weights)


def _dice_and_entropy(logits: Tensor, masks: Tensor) -> Tensor:
    found = logits.sigmoid()
    dice = (2 * (found * masks).sum() + 1e-5) / ((found.sum() + masks.sum() + 1e-5).clamp(min=1e-8))
    return functional.binary_cross_entropy_with_logits(logits, masks) - dice


def varied(films: Tensor) -> Tensor:
    """Give some films noise and some another gamma, upright or inverted, after which they are standardized anew."""
    noisy = torch.rand(len(films), 1, 1, 1, device=films.device) < NOISE_ODDS
    variance = NOISE_VARIANCE * torch.rand(len(films), 1, 1, 1, device=films.device)
    films = films + noisy * variance.sqrt() * torch.randn_like(films)
    films = torch.where(_drawn(films, INVERTED_ODDS), -_with_gamma(-films), films)
    return torch.where(_drawn(films, GAMMA_ODDS), _with_gamma(films), films)


def _drawn(films: Tensor, odds: float) -> Tensor:
    return torch.rand(len(films), 1, 1, 1, device=films.device) < odds


def _with_gamma(films: Tensor) -> Tensor:
    """Raise each film, stretched to 0..1, to a power of its own: below 1 as often as above."""
    low, high = GAMMA
    below = low + (1 - low) * torch.rand(len(films), 1, 1, 1, device=films.device)
    above = 1 + (high - 1) * torch.rand(len(films), 1, 1, 1, device=films.device)
    power = torch.where(_drawn(films, 0.5), below, above)
    least, most = films.amin((1, 2, 3), keepdim=True), films.amax((1, 2, 3), keepdim=True)
    return standardized(((films - least) / (most - least).clamp(min=1e-7)) ** power)
