"""Generated images of former steps, for a discriminator that is to remember them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.networks.checks import check_at_least

if TYPE_CHECKING:
    from jaxtyping import Float

POOL_SIZE = 50
"""Images that CycleGAN keeps (Zhu et al. 2017, section 4)."""


class ImagePool:
    """Mixes generated images with some of former steps (Shrivastava et al. 2017, section 2.3).

    While there is room, each image is kept and handed on as it is. From then on chance decides for each: one half is
    handed on and not kept; the other half is kept in the place of a random image, which is handed on instead. Drawn
    from torch's global random state. An image with a NaN or an infinity is handed on and never kept.

    Args:
        size: How many images are kept; 0: none, every image is handed on as it is.

    Raises:
        ConfigurationError: If ``size`` is negative or no whole number.

    Example:
        >>> pool = ImagePool(2)
        >>> first = torch.zeros(2, 3, 4, 4)
        >>> torch.equal(pool.exchange(first), first), len(pool)
        (True, 2)
    """

    def __init__(self, size: int = POOL_SIZE) -> None:
        check_at_least(0, pool_size=size)
        self.size = size
        self._images: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._images)

    def exchange(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Return as many images, some of them of former steps; no gradient flows back."""
        images = images.detach()
        if not self.size:
            return images
        return torch.stack([self._exchange_one(image) for image in images])

    def state(self) -> dict[str, Tensor]:
        """Return the images by their place."""
        return {str(place): image for place, image in enumerate(self._images)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave; of more images than there is room for the first.

        Raises:
            ValueError: If something is no image, or of another shape or type than the others.
        """
        if state.keys() != {str(place) for place in range(len(state))}:
            raise ValueError(f"the places of a pool are {', '.join(sorted(state)[:10])}")
        images = [state[str(place)] for place in range(len(state))]
        for image in images:
            if image.dim() != 3 or not image.is_floating_point() or image.dtype != images[0].dtype:
                raise ValueError(f"a pool has a tensor of {image.dtype} {tuple(image.shape)} among its images")
        self._images = images[: self.size]

    def _exchange_one(self, image: Tensor) -> Tensor:
        if not bool(image.isfinite().all()):  # the step will be left out; kept, the image would spoil a later one
            return image
        if len(self._images) < self.size:
            self._images.append(image.clone())
            return image
        if torch.rand(()).item() < 0.5:
            return image
        place = int(torch.randint(self.size, ()).item())
        former, self._images[place] = self._images[place], image.clone()
        return former.to(image)
