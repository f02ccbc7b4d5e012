"""Pictures in as few bytes as hold them exactly, to be kept in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Packed:
    """A picture of [-1, 1] as whole numbers: 8 bits where these hold it exactly, else 16.

    They are a NumPy array because PyTorch cannot pickle its 16-bit unsigned ones, and spawned workers need that.
    """

    levels: np.ndarray[Any, Any]

    @classmethod
    def pack(cls, picture: Float[torch.Tensor, "channels side side"]) -> Packed:
        """Pack a picture."""
        eight_bits = cls(((picture + 1.0) * 127.5).round().numpy().astype(np.uint8))
        if torch.equal(eight_bits.unpack(), picture):
            return eight_bits
        return cls(((picture + 1.0) * 32767.5).round().numpy().astype(np.uint16))

    def unpack(self) -> Float[torch.Tensor, "channels side side"]:
        """Return the picture."""
        # The order of operations of read_image, so that an 8-bit file comes back to the last bit.
        full_scale = float(np.iinfo(self.levels.dtype).max)
        return torch.from_numpy(self.levels.astype(np.float32)) / full_scale * 2.0 - 1.0


PackedPair = tuple[Packed, Packed]


def digest(pair: PackedPair) -> bytes:
    """Return a SHA-256 by which pictures are known again; 8 and 16 bits differ in length."""
    made = hashlib.sha256()
    for part in pair:
        made.update(np.ascontiguousarray(part.levels).data)
    return made.digest()
