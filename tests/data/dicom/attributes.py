"""Attributes of DICOM files put in and taken out."""

import struct
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence


def lut(first: int, bits: int, entries: list[int], vr: str = "US") -> Sequence:
    item = Dataset()
    item.add_new(0x00283002, "US" if first >= 0 else "SS", [len(entries), first, bits])
    item.add_new(0x00283006, vr, entries if vr == "US" else struct.pack(f"<{len(entries)}H", *entries))
    return Sequence([item])


def without(path: Path, *keywords: str) -> Path:
    """Take attributes out of a file."""
    dataset = pydicom.dcmread(path)
    for keyword in keywords:
        delattr(dataset, keyword)
    dataset.save_as(path)
    return path
