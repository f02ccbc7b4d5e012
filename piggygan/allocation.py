"""How the filters that a task may have of its own are dealt out over a generator's layers."""

from __future__ import annotations

from collections.abc import Mapping


def dealt_evenly(share: float, sizes: Mapping[str, int]) -> dict[str, float]:
    """Give every layer the same number of weights of its own, or all it has where that is less.

    The paper gives every layer the same *share* (lambda), and so nine tenths of the weights to the few layers with the
    most channels, which see an image at its coarsest. For the same number of weights in all, small layers, which are
    those next to the image, become wholly the task's own here. docs/decisions.md has what that gains.

    Args:
        share: Of all weights, 0..1.
        sizes: Weights of each layer's kernel.

    Returns:
        The share of each layer's filters, 0..1.

    Example:
        >>> dealt_evenly(0.25, {"outer": 100, "inner": 1000, "innermost": 2000})
        {'outer': 1.0, 'inner': 0.3375, 'innermost': 0.16875}
    """
    left = share * sum(sizes.values())
    fractions = dict.fromkeys(sizes, 0.0)
    for number, path in enumerate(sorted(sizes, key=lambda path: sizes[path])):
        own = min(sizes[path], left / (len(sizes) - number))
        fractions[path] = own / sizes[path]
        left -= own
    return fractions
