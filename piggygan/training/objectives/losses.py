"""What pix2pix and its relatives minimize, as pure functions from tensors to one number.

Each is computed in at least 32 bits, whatever precision the networks ran in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from jaxtyping import Float

GanKind = Literal["vanilla", "least_squares"]
"""``"vanilla"`` is the loss of Goodfellow et al. 2014, ``"least_squares"`` that of Mao et al. 2017."""


def adversarial_loss(scores: Float[Tensor, "*patches"], is_real: bool, kind: GanKind) -> Float[Tensor, ""]:
    """Say how far scores are from what the discriminator should give real or generated images.

    With D(x) = sigmoid(score), ``"vanilla"`` is -log D(x) for real and -log(1 - D(x)) for generated images
    (Goodfellow et al. 2014, equation 1); ``"least_squares"`` is (score - 1)^2 and score^2 (Mao et al. 2017, equation 9
    without its factor 1/2). The generator's own loss is that of its images as if they were real: the form
    that Goodfellow et al. advise in section 3 and pix2pix uses.

    Args:
        scores: A discriminator's output, before any sigmoid.
        is_real: What the scores should say.
        kind: Which of the two losses.

    Returns:
        The mean over all scores.

    Example:
        >>> adversarial_loss(torch.tensor([0.0, 2.0]), is_real=True, kind="least_squares").item()
        1.0
    """
    scores = _at_least_32_bits(scores)
    if kind == "least_squares":
        return (scores - float(is_real)).square().mean()
    # -log sigmoid(s) = softplus(-s) and -log(1 - sigmoid(s)) = softplus(s), which do not overflow.
    return functional.softplus(-scores if is_real else scores).mean()


def l1_loss(output: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Return the mean absolute difference (Isola et al. 2017, equation 3).

    Example:
        >>> l1_loss(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])).item()
        0.5
    """
    return (_at_least_32_bits(output) - _at_least_32_bits(target)).abs().mean()


def soft_dice_loss(
    output: Float[Tensor, "batch channels height width"],
    target: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, ""]:
    """Return 1 - Dice, with the output's values taken as shares of foreground.

    For each image 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), with p and t the output and the target mapped from
    [-1, 1] to 0..1; then the mean over the batch. The sums are over all pixels and channels; the ones make an
    empty mask that is found empty a loss of 0. (The soft Dice of Milletari et al. 2016, section 3, with
    plain instead of squared sums below the line.)

    Args:
        output: In [-1, 1].
        target: In [-1, 1], for a mask -1 or 1.

    Example:
        >>> mask = torch.tensor([[[[1.0, -1.0]]]])
        >>> round(soft_dice_loss(mask, mask).item(), 4), round(soft_dice_loss(-mask, mask).item(), 4)
        (0.0, 0.6667)
    """
    found = (_at_least_32_bits(output).flatten(1) + 1) / 2
    wanted = (_at_least_32_bits(target).flatten(1) + 1) / 2
    overlap = (found * wanted).sum(dim=1)
    return (1 - (2 * overlap + 1) / (found.sum(dim=1) + wanted.sum(dim=1) + 1)).mean()


def _at_least_32_bits(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
