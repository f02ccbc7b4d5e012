"""Which version this is, and what its outputs may be used for: said by the command, every report, every DICOM file."""

from __future__ import annotations

__version__ = "0.1.0"
"""The version of piggygan."""

INTENDED_USE = "For research only, not for diagnosis or treatment."
"""One sentence of at most 64 letters, so that a DICOM text element can hold it."""
