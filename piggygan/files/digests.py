"""SHA-256 of named tensors: the same wherever they lie and however they were stored."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping

import torch
from torch import Tensor


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors, which depends on their values and names and on no file format.

    Hashed is, for each tensor in the order of the names, one line of JSON ``[name, type, shape]``, then its
    elements in row-major order, little-endian.

    Args:
        tensors: Any named tensors, on any device.

    Example:
        >>> zero = torch.zeros(2)
        >>> torch.equal(zero, -zero), tensors_digest({"bias": zero}) == tensors_digest({"bias": -zero})
        (True, False)
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        header = [name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape)]
        digest.update(json.dumps(header).encode() + b"\n")
        raw = tensor.reshape(-1).view(torch.uint8)
        if sys.byteorder == "big":
            raw = raw.view(-1, tensor.element_size()).flip(1).contiguous()
        digest.update(raw.numpy().data)
    return digest.hexdigest()
