"""What an answer scores that never looks at its input: the floor under every score of a generator.

A network that learned anything scores more than the best single picture, given for every input alike. Dice and pixel
accuracy of such a picture can be high: lungs are in the same place on most films.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from piggygan.errors import InputError
from piggygan.evaluation.labels import nearest_labels
from piggygan.evaluation.segmentation import segmentation_scores

if TYPE_CHECKING:
    from jaxtyping import Float

_THRESHOLDS = tuple(step / 10 for step in range(1, 10))


def fixed_mask(targets: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "1 height width"]:
    """Find the one mask that suits all of these best: the pixels that enough of them have.

    Args:
        targets: True masks in {-1, 1}.

    Returns:
        The mask in {-1, 1}: of those that hold what at least 10, 20 ... 90 % of the targets hold, the one with the
        highest mean Dice.

    Raises:
        InputError: If there is no mask.

    Example:
        >>> masks = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]]).reshape(2, 1, 1, 3)
        >>> fixed_mask(masks).flatten().tolist()
        [1.0, 1.0, -1.0]
    """
    if targets.numel() == 0:
        raise InputError(f"the masks are {tuple(targets.shape)}: a fixed answer needs at least one")
    share = (targets > 0).double().mean(0)
    masks = [((share >= threshold) * 2.0 - 1.0).float() for threshold in _THRESHOLDS]
    return max(masks, key=lambda mask: segmentation_scores(mask.expand_as(targets), targets).mean_over_images.dice)


def fixed_label_picture(
    targets: Float[Tensor, "batch 3 height width"], palette: Sequence[Sequence[int]]
) -> Float[Tensor, "3 height width"]:
    """Paint the one label map that suits all of these best: at each pixel the class that is there most often.

    Args:
        targets: True label maps as pictures, RGB in [-1, 1].
        palette: One colour a class, in 0..255.

    Raises:
        InputError: If there is no picture, or they are not pictures.

    Example:
        >>> black, red = torch.tensor([-1.0, -1.0, -1.0]), torch.tensor([1.0, -1.0, -1.0])
        >>> maps = torch.stack([black, red, red]).reshape(3, 3, 1, 1)
        >>> fixed_label_picture(maps, [[0, 0, 0], [255, 0, 0]]).flatten().tolist()
        [1.0, -1.0, -1.0]
    """
    if targets.numel() == 0:
        raise InputError(f"the label maps are {tuple(targets.shape)}: a fixed answer needs at least one")
    votes = functional.one_hot(nearest_labels(targets, palette), len(palette)).sum(0)
    colours = torch.as_tensor(palette, dtype=torch.float32) / 127.5 - 1
    return colours[votes.argmax(-1)].movedim(-1, 0)
