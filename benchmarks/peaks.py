"""The most memory that this process held, and how to start counting anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a process can ask what it takes before torch is there
    import torch


def resident_peak() -> int:
    """Return the most bytes this process had resident."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        import resource

        # In kilobytes, on macOS in bytes. On Linux it would count the parent too, as large as that was at the fork.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def forget_peak(device: torch.device) -> None:
    """Start anew from what is held now, where the system lets us."""
    if device.type == "cpu":
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:  # then the peak is that of building and steps
            return
    else:
        import torch

        torch.accelerator.reset_peak_memory_stats(device)
