"""How the filters that a task may have of its own are dealt out over a generator's layers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from piggygan.layers.filters import DEFAULT_FRACTION, unconstrained_count
from piggygan.model.patterns import matches, unmatched

Fraction = float | Mapping[str, float]
"""The share of unconstrained weights of a whole generator, dealt out evenly over its layers; or the share of
unconstrained filters of each layer, by its path, or by patterns of paths of which the first that matches counts."""


def layer_fractions(fraction: Fraction, sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the share of unconstrained filters of each layer.

    Args:
        fraction: Of all weights, dealt out evenly; or of each layer's filters, by path or pattern: ``{"*": 0.25}`` is
            the paper's lambda. Layers that match no pattern get 1/4.
        sizes: Weights of each convolution's kernel.

    Raises:
        ConfigurationError: If a share is outside 0..1, or a pattern matches nothing.

    Example:
        >>> layer_fractions({"up.*": 0.5}, {"down.0": 100, "up.0": 100})
        {'down.0': 0.25, 'up.0': 0.5}
        >>> layer_fractions(0.25, {"down.0": 100, "up.0": 700})
        {'down.0': 1.0, 'up.0': 0.14285714285714285}
    """
    if not isinstance(fraction, Mapping):
        unconstrained_count(1, fraction)
        return dealt_evenly(fraction, sizes)
    for pattern, share in fraction.items():
        unconstrained_count(1, share)
        if not any(matches(pattern, path, sizes) for path in sizes):
            raise unmatched("unconstrained_fraction", pattern, list(sizes))
    return {path: _share_of(path, fraction, sizes) for path in sizes}


def worth_mixing(fraction: float, *, filter_size: int, bank: int) -> float:
    """Return a layer's share of unconstrained filters: all of them, where a mixture would cost more than a filter.

    A composed filter costs as many factors as there are bank filters. A 1x1 convolution that expands few channels into
    many has filters of few numbers, and more of them in its bank.

    Args:
        fraction: The share that it would have.
        filter_size: Numbers of one filter.
        bank: Bank filters that one is mixed of.

    Example:
        >>> worth_mixing(0.25, filter_size=16, bank=96), worth_mixing(0.25, filter_size=96, bank=16)
        (1.0, 0.25)
    """
    return 1.0 if bank > filter_size else fraction


def _share_of(path: str, shares: Mapping[str, float], paths: Collection[str]) -> float:
    if path in shares:
        return shares[path]
    return next((share for pattern, share in shares.items() if matches(pattern, path, paths)), DEFAULT_FRACTION)


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
