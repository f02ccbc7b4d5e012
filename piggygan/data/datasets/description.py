"""What is known of a published data set before one has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Description:
    """Where a data set comes from, on which terms, and how much of it there is.

    Attributes:
        title: Its name in full.
        source: Where one gets it.
        terms: What its publisher allows, in short; what counts is the publisher's own text.
        citation: What its publisher asks to cite.
        images: How many images there are.
        pairs: How many of them have a target, such as a mask.
        sides: How many pairs each side has, where the publisher divides them.

    Example:
        >>> from piggygan.data.datasets import Montgomery
        >>> Montgomery.description.title, Montgomery.description.images
        ('Montgomery County chest X-ray set', 138)
    """

    title: str
    source: str
    terms: str
    citation: str
    images: int
    pairs: int
    sides: Mapping[str, int] = field(default_factory=dict)
