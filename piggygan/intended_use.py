"""What piggygan's outputs may be used for: said by the command, on every report, and in every DICOM file it writes."""

from __future__ import annotations

INTENDED_USE = "For research only, not for diagnosis or treatment."
"""One sentence of at most 64 letters, so that a DICOM text element can hold it."""
