"""The floor under every score: what never looks at its input."""

import pytest
import torch

from piggygan.data.palette import CMP_PALETTE
from piggygan.errors import InputError
from piggygan.evaluation.fixed_answers import fixed_label_picture, fixed_mask
from piggygan.evaluation.segmentation import segmentation_scores

PALETTE = [facade_class.rgb for facade_class in CMP_PALETTE]


def test_of_equal_masks_the_fixed_one_is_that_mask() -> None:
    mask = torch.randint(0, 2, (1, 1, 8, 8), generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    assert fixed_mask(mask.repeat(3, 1, 1, 1)).tolist() == mask[0].tolist()


def test_no_mask_of_a_share_of_the_targets_has_a_higher_dice() -> None:
    masks = (torch.rand(20, 1, 6, 6, generator=torch.Generator().manual_seed(1)) > 0.5) * 2.0 - 1.0
    found = segmentation_scores(fixed_mask(masks).expand_as(masks), masks).mean_over_images.dice
    share = (masks > 0).double().mean(0)
    for threshold in torch.linspace(0.1, 0.9, 9):
        other = ((share >= threshold) * 2.0 - 1.0).float().expand_as(masks)
        assert found >= segmentation_scores(other, masks).mean_over_images.dice


def test_the_fixed_label_picture_has_the_commonest_class_of_each_pixel() -> None:
    colours = torch.tensor(PALETTE) / 127.5 - 1
    labels = torch.randint(0, 12, (9, 5, 5), generator=torch.Generator().manual_seed(2))
    labels[:5, 0, 0] = 7
    picture = fixed_label_picture(colours[labels].movedim(-1, 1), PALETTE)
    for y, x in [(0, 0), (2, 3), (4, 4)]:
        votes = labels[:, y, x].bincount(minlength=12)
        chosen = (colours - picture[:, y, x]).abs().sum(1).argmin()
        assert votes[chosen] == votes.max()
    assert picture[:, 0, 0].tolist() == colours[7].tolist()


def test_without_targets_there_is_no_answer() -> None:
    with pytest.raises(InputError, match="at least one"):
        fixed_mask(torch.zeros(0, 1, 4, 4))
    with pytest.raises(InputError, match="at least one"):
        fixed_label_picture(torch.zeros(0, 3, 4, 4), PALETTE)
