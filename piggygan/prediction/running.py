"""Films through the network, one after another in this process, or canvases that others read."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import islice

import torch
from torch import Tensor

from piggygan.prediction.doubting import doubts_of
from piggygan.prediction.ensemble import Ensemble, Pooled
from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.likeness import Likeness
from piggygan.prediction.making import Made, Maker, Opened
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.summary import RefusedFile

Translated = tuple[Tensor | Exception, tuple[Finding, ...]]
"""What the network made of a canvas, or what went wrong with it, and what was found out on the way.

If disagreement is asked for, it is the last channel.
"""


class Network:
    """What canvases go through in the process that computes.

    Args:
        ensemble: Translates them.
        options: Says what is wanted of it.
        likeness: Says whether films are like those that the task was trained on; None: that is not known.
    """

    def __init__(self, ensemble: Ensemble, options: PredictionOptions, likeness: Likeness | None = None) -> None:
        self._ensemble, self._options, self._likeness = ensemble, options, likeness

    def __call__(self, canvases: Sequence[Tensor]) -> list[Translated]:
        """Translate canvases, and say what is found out on the way; what goes wrong with one is its own."""
        if not canvases:
            return []
        try:
            return self._together(canvases)
        except Exception as error:
            # One film may be what there is no memory for: then the others can do without it.
            if len(canvases) == 1:
                return [(error, ())]
            return [self([canvas])[0] for canvas in canvases]

    def _together(self, canvases: Sequence[Tensor]) -> list[Translated]:
        if self._likeness is None:
            return [self._told(pooled) for pooled in self._ensemble(canvases)]
        with self._likeness.watching() as bottleneck:
            made = self._ensemble(canvases)
            features = bottleneck.features
        return [
            self._told(pooled, self._likeness.findings(canvas, seen))
            for pooled, canvas, seen in zip(made, canvases, features, strict=True)
        ]

    def _told(self, pooled: Pooled, findings: tuple[Finding, ...] = ()) -> Translated:
        output = pooled.output
        if self._options.disagreement and pooled.spread is not None:
            output = torch.cat([output, pooled.spread])
        return output, (*findings, *doubts_of(pooled, self._options))


def outcomes_here(
    files: Iterable[InputFile], maker: Maker, network: Network, together: int
) -> Generator[Made | RefusedFile]:
    """Read, translate and make films in this process, in order.

    Args:
        files: The films.
        maker: Reads them and makes their files.
        network: Translates them.
        together: How many are translated at once.

    Raises:
        PredictionError: If nothing more can be written.
    """
    remaining = iter(files)
    while read := [maker.read(file) for file in islice(remaining, together)]:
        outputs = iter(network([one.film.canvas for one in read if isinstance(one, Opened)]))
        for one in read:
            yield maker.make(one, *next(outputs)) if isinstance(one, Opened) else one
