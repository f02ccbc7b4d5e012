"""How good a mask probably is, by what its network itself says, and how far the members of an ensemble disagree."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def expected_dice(probability: Float[Tensor, "*shape"], mask: Bool[Tensor, "*shape"]) -> float:
    """Estimate the Dice of a mask whose truth nobody knows: ``2 sum(p m) / (sum(p) + sum(m))``.

    That is the soft Dice confidence of B. Borges, B. Pacheco and D. Silva, Soft Dice confidence: a near-optimal
    confidence estimator for selective prediction in semantic segmentation, arXiv:2402.10665.

    Args:
        probability: Of foreground, 0..1; how near the estimate is depends on how well these are calibrated.
        mask: What was decided.

    Returns:
        0 to 1. An empty mask has 0: that nothing was found is to be looked at.

    Example:
        >>> import torch
        >>> expected_dice(torch.tensor([0.75, 0.75, 0.5]), torch.tensor([True, True, False]))
        0.75
    """
    inside, total = float(probability.double()[mask].sum()), float(probability.double().sum())
    found = int(mask.sum())
    return 2 * inside / (total + found) if found else 0.0


def disagreement(masks: Bool[Tensor, "members height width"]) -> float:
    """Measure how far masks of the same film differ: 1 less the mean Dice of all pairs of them.

    Two empty masks agree.

    Example:
        >>> import torch
        >>> disagreement(torch.tensor([[[True, True, False]], [[False, True, True]]]))
        0.5
    """
    flat = masks.flatten(1)
    pairs = list(combinations(range(len(flat)), 2))
    if not pairs:
        return 0.0
    agreed = 0.0
    for one, other in pairs:
        total = int(flat[one].sum() + flat[other].sum())
        agreed += 2 * int((flat[one] & flat[other]).sum()) / total if total else 1.0
    return 1 - agreed / len(pairs)


def spread(outputs: Float[Tensor, "members channels height width"]) -> Float[Tensor, "1 height width"]:
    """Measure how far outputs in [-1, 1] differ at each pixel, averaged over channels.

    Returns:
        The standard deviation over members, by their number: 0 where all are alike, 1 where half say -1 and half 1.

    Example:
        >>> import torch
        >>> spread(torch.tensor([-1.0, 1.0])[:, None, None, None]).item()
        1.0
    """
    return outputs.double().std(0, correction=0).mean(0, keepdim=True).float()
