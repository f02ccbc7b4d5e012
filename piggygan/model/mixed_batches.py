"""Batches of several tasks: each task's samples are translated together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from piggygan.errors import InputError


def translated_each(
    translate: Callable[[Tensor, str], Any], images: Tensor, tasks: Sequence[str], generator: str
) -> list[Tensor]:
    """Translate each sample of a batch in its own task.

    One pass of all tasks through every layer was slower: small batches stay in the processor's caches.

    Args:
        translate: Translates a batch of images in one task.
        images: The batch.
        tasks: One for each sample.
        generator: What messages call the generator.

    Returns:
        The outputs in the order of the samples; tasks may differ in channels.

    Raises:
        InputError: If there are not as many tasks as samples, or an output cannot be split by sample.
    """
    if len(tasks) != images.shape[0]:
        raise InputError(f"got {images.shape[0]} images and {len(tasks)} tasks: give one task for each image.")
    outputs: dict[int, Tensor] = {}
    for name in dict.fromkeys(tasks):
        places = [place for place, other in enumerate(tasks) if other == name]
        output = translate(images[places], name)
        if not isinstance(output, Tensor):
            raise InputError(
                f"{generator} returns a {type(output).__name__}, which cannot be split by sample: run the tasks one by "
                f"one."
            )
        outputs |= zip(places, output, strict=True)
    return [outputs[place] for place in range(len(tasks))]
