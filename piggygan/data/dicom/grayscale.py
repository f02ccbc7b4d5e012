"""The arithmetic of the DICOM grayscale pipeline: pure functions of numpy arrays.

A pixel changes its unit on the way: *stored value* (the file's bits) -> *modality value* (rescaled, in the
modality's own unit) -> *window output* 0..1. The formulas are those of DICOM PS3.3, sections C.11.1 and C.11.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from piggygan.errors import DicomError

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]

PERCENTILES = (0.5, 99.5)
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class StoredFormat:
    """How a file's bits make stored values.

    Attributes:
        bits_allocated: Bits a pixel takes in the file: 8, 16 or 32.
        bits_stored: Its lowest bits that mean something, 1..``bits_allocated``.
        signed: Whether these are a two's complement number.
        big_endian: Whether the high byte comes first.
    """

    bits_allocated: int
    bits_stored: int
    signed: bool
    big_endian: bool = False

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest stored value there can be."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


@dataclass(frozen=True)
class Rescale:
    """The linear way from stored to modality values: ``slope * stored + intercept``."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class LookupTable:
    """A DICOM lookup table.

    Attributes:
        first: Input value of the first entry; smaller ones get the first entry, too large ones the last.
        bits: Bits of an entry; the full scale of the output is ``2**bits - 1``.
        entries: Output values.
    """

    first: int
    bits: int
    entries: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Window:
    """A window of modality values.

    Attributes:
        center: In the modality's unit.
        width: Same unit; at least 1 for ``LINEAR``, above 0 otherwise.
        function: The form of the curve.
    """

    center: float
    width: float
    function: WindowFunction = "LINEAR"


def significant(values: Int64[np.ndarray, "*pixels"], form: StoredFormat) -> Int64[np.ndarray, "*pixels"]:
    """Make stored values of words: the lowest ``bits_stored`` bits, with their sign if there is one.

    What older files keep in the bits above, such as overlays, is masked away.

    Example:
        >>> significant(np.array([0xF7FF, 0xF801]), StoredFormat(16, 12, signed=True)).tolist()
        [2047, -2047]
    """
    values = values & ((1 << form.bits_stored) - 1)
    if form.signed:
        sign = 1 << (form.bits_stored - 1)
        values = (values ^ sign) - sign
    return values


def modality_values(
    stored: Int64[np.ndarray, "*pixels"], modality: Rescale | LookupTable | None
) -> Float64[np.ndarray, "*pixels"]:
    """Bring stored values into the modality's unit (PS3.3 C.11.1).

    Raises:
        DicomError: If the slope is 0 or no number, or results are too large for 32-bit floating point.
    """
    if modality is None:
        return stored.astype(np.float64)
    if isinstance(modality, LookupTable):
        return _look_up(stored, modality).astype(np.float64)
    slope, intercept = modality.slope, modality.intercept
    if not (math.isfinite(slope) and math.isfinite(intercept)) or slope == 0.0:
        raise DicomError(
            f"Rescale Slope (0028,1053) is {slope} and Rescale Intercept (0028,1052) is {intercept}; both must be "
            f"finite and the slope not 0"
        )
    # 2**32 stored values at most: checked first, because numpy would warn of the overflow.
    if abs(slope) * 2.0**32 + abs(intercept) > _LARGEST:
        raise DicomError(
            f"Rescale Slope (0028,1053) {slope} and Intercept (0028,1052) {intercept} make values that 32-bit "
            f"floating point cannot hold"
        )
    return stored * slope + intercept


def window_to_unit(modality: Float64[np.ndarray, "*pixels"], window: Window) -> Float64[np.ndarray, "*pixels"]:
    """Map modality values to 0..1 through a window (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Raises:
        DicomError: If the width is below what the function allows, or a number is not finite.

    Example:
        >>> window_to_unit(np.array([0.0, 50.0, 200.0]), Window(center=50.5, width=101.0)).tolist()
        [0.0, 0.5, 1.0]
    """
    center, width = window.center, window.width
    needed_text = "at least 1" if window.function == "LINEAR" else "above 0"
    wide_enough = width >= 1.0 if window.function == "LINEAR" else width > 0.0
    if not (math.isfinite(center) and math.isfinite(width) and wide_enough):
        raise DicomError(
            f"Window Width (0028,1051) is {width} and Window Center (0028,1050) is {center}; for "
            f"{window.function} the width must be {needed_text} and both finite"
        )
    if window.function == "SIGMOID":
        # 1 / (1 + exp(-4 z)), written so that no exponential overflows.
        return 0.5 * (1.0 + np.tanh(2.0 * (modality - center) / width))
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1.0
    if width == 0.0:  # LINEAR with width 1 is a threshold
        return (modality > center).astype(np.float64)
    return np.clip((modality - center) / width + 0.5, 0.0, 1.0)


def table_to_unit(modality: Float64[np.ndarray, "*pixels"], table: LookupTable) -> Float64[np.ndarray, "*pixels"]:
    """Map modality values to 0..1 through a VOI lookup table, whose full scale is ``2**bits - 1``."""
    return _look_up(np.rint(modality), table) / float((1 << table.bits) - 1)


def range_to_unit(modality: Float64[np.ndarray, "*pixels"], low: float, high: float) -> Float64[np.ndarray, "*pixels"]:
    """Map ``low..high`` to 0..1 and clip the rest; all 0 where ``low`` equals ``high``."""
    if high <= low:
        return np.zeros_like(modality)
    return np.clip((modality - low) / (high - low), 0.0, 1.0)


def default_range(values: Float64[np.ndarray, " values"], counts: Int64[np.ndarray, " values"]) -> tuple[float, float]:
    """Find the range to show where a file has neither window nor table: the 0.5th to the 99.5th percentile.

    Percentiles, not extremes, because a burnt-in letter or a hot detector pixel is far from everything else. Between
    two pixels they are interpolated, as ``numpy.percentile`` does.

    Args:
        values: Modality values.
        counts: How many pixels have each; 0 for padding.

    Raises:
        DicomError: If every pixel is padding.

    Example:
        >>> default_range(np.array([0.0, 10.0, 50.0]), np.array([1, 2, 0]))
        (0.1, 10.0)
    """
    order = np.argsort(values, kind="stable")
    until = np.cumsum(counts[order])
    total = int(until[-1])
    if total == 0:
        raise DicomError("every pixel has the Pixel Padding Value (0028,0120): there is nothing to show")

    def at(place: int) -> float:
        return float(values[order[np.searchsorted(until, place, side="right")]])

    low, high = ((total - 1) * percentile / 100 for percentile in PERCENTILES)
    return tuple(  # type: ignore[return-value]  # two percentiles
        at(math.floor(place)) + (place % 1) * (at(math.ceil(place)) - at(math.floor(place))) for place in (low, high)
    )


def _look_up(values: np.ndarray[Any, Any], table: LookupTable) -> np.ndarray[Any, Any]:
    positions = np.clip(values - table.first, 0, len(table.entries) - 1)
    found: np.ndarray[Any, Any] = table.entries[positions.astype(np.int64)]
    return found
