"""Job: all that has to be known to read a film and to make files of what the network gave, without the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from piggygan.data.framing import Placement
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.options import Kind, PredictionOptions


@dataclass(frozen=True)
class Job:
    """What is asked of each film.

    Attributes:
        in_channels: Channels of a picture that the task takes.
        kind: What it makes.
        options: How it is applied; the size is chosen.
        algorithm: What a DICOM segmentation says made it.
    """

    in_channels: int
    kind: Kind
    options: PredictionOptions
    algorithm: Algorithm

    def placement(self, rows: int, columns: int, aspect: float = 1.0) -> Placement:
        """Say how a picture comes to the network; ``aspect`` is the height of a pixel, its width being 1."""
        return placement_for(self.options, rows, columns, aspect)

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for a process of its own."""
        return asdict(self)

    @classmethod
    def of_dict(cls, fields: dict[str, Any]) -> Job:
        """Make one of what :meth:`as_dict` gave."""
        options, algorithm = PredictionOptions(**fields["options"]), Algorithm(**fields["algorithm"])
        return cls(**{**fields, "options": options, "algorithm": algorithm})


def placement_for(options: PredictionOptions, rows: int, columns: int, aspect: float = 1.0) -> Placement:
    """Say how a picture of these rows and columns comes to the network.

    Example:
        >>> placement_for(PredictionOptions(size=256, fit="pad"), 400, 500).height
        205
    """
    if options.fit == "stretch":
        return Placement.stretched(rows, columns, options.side)
    if options.fit == "pad":
        return Placement.padded(rows, columns, options.side, aspect)
    return Placement.natural(rows, columns, options.side, aspect)
