"""What can be chosen on the command line of every benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.speed.subjects import Network, Precision, Setting


@dataclass(frozen=True)
class CommonOptions:
    """What can be chosen on every command line."""

    networks: tuple[Network, ...] = ("unet", "resnet")
    """Which generators."""
    size: int = 256
    """Side of the images in pixels."""
    width: int = 64
    """Channels of the generators' first level; the published width is 64."""
    device: str = "cpu"
    """Where to run: cpu or cuda."""
    dtype: Precision = "fp32"
    """Precision of the networks."""
    seconds: float = 20.0
    """How long to measure each setting."""
    out: Path | None = None
    """Folder for the JSON."""

    def setting(self, network: Network, batch: int = 1) -> Setting:
        """Return where and on what to run one network."""
        return Setting(network, batch, self.size, torch.device(self.device), self.dtype, self.width)

    def missing_device(self) -> str:
        """Say why the device cannot be used, or nothing if it can."""
        kind = torch.device(self.device).type
        here = torch.accelerator.current_accelerator(check_available=True)
        if kind == "cpu" or (here is not None and here.type == kind):
            return ""
        return f"torch {torch.__version__} sees no {kind} device here"
