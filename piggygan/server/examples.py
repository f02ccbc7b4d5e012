"""Pictures for visitors who have none: drawn from seeds, so they show nobody."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from piggygan.data.synthetic import generate_facade, generate_xray
from piggygan.server.problems import Refusal

SIDE = 512
_BRIGHTER = 16  # 12 bits to 16
EXAMPLES = {
    **{f"facade-{number}": ("facade", 40 + number) for number in (1, 2, 3)},
    **{f"film-{number}": ("film", 40 + number) for number in (1, 2, 3)},
}
"""Of what each is, and its seed."""


def listed() -> list[dict[str, Any]]:
    """Say what examples there are."""
    return [
        {"name": name, "of": kind, "side": SIDE, "url": f"/api/examples/{name}"} for name, (kind, _) in EXAMPLES.items()
    ]


@lru_cache(maxsize=len(EXAMPLES))
def example(name: str) -> bytes:
    """Draw an example, as a PNG.

    Raises:
        Refusal: If there is none of this name.
    """
    if name not in EXAMPLES:
        raise Refusal(404, "no-example", f"there is no such example; there are {', '.join(EXAMPLES)}.")
    kind, seed = EXAMPLES[name]
    if kind == "facade":
        pixels: np.ndarray[Any, Any] = generate_facade(seed, SIDE)[0]
    else:
        pixels = generate_xray(np.random.default_rng(seed), SIDE)[0] * np.uint16(_BRIGHTER)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
