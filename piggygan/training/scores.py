"""Scores of epochs: what ``on_epoch`` returned, as a number that epochs can be compared by."""

from __future__ import annotations

import logging
import math
from numbers import Complex, Real
from typing import SupportsFloat

import numpy as np
from torch import Tensor

from piggygan.errors import ConfigurationError

_LOG = logging.getLogger(__name__)


def as_score(value: object) -> float | None:
    """Return a score as a float; infinities are scores, like any real number of Python's, NumPy's or PyTorch's.

    Args:
        value: The score; a tensor or array must have one element.

    Returns:
        The number; None for None, and, with a warning in the log, for NaN: it can be compared with nothing.

    Raises:
        ConfigurationError: If it is no real number.

    Example:
        >>> as_score(np.float32(0.5)), as_score(True), as_score(None)
        (0.5, 1.0, None)
    """
    if value is None:
        return None
    try:
        number = _real(value)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: PyTorch's, of several elements
        shown = repr(value).splitlines()[0][:80]
        raise ConfigurationError(
            f"on_epoch returned {shown} (a {type(value).__name__}), which is no score: return one real number, the "
            f"higher the better, or None. The epoch is saved: mend on_epoch, and start the same again to go on."
        ) from error
    if math.isnan(number):
        _LOG.warning("on_epoch returned NaN, which is no score: the epoch is kept, and cannot be the best one.")
        return None
    return number


def _real(value: object) -> float:
    if isinstance(value, Tensor | np.ndarray | np.generic):
        value = value.item()
    is_complex = isinstance(value, Complex) and not isinstance(value, Real)
    if is_complex or not isinstance(value, SupportsFloat):
        raise TypeError("no real number")
    try:
        return float(value)
    except OverflowError:  # a whole number beyond the largest float
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]
