"""Films through the network, one after another in this process, or canvases that others read."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import islice

from torch import Tensor

from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.likeness import Likeness
from piggygan.prediction.making import Made, Maker, Opened
from piggygan.prediction.summary import RefusedFile
from piggygan.prediction.translator import Translator

Translated = tuple[Tensor | Exception, tuple[Finding, ...]]
"""What the network made of a canvas, or what went wrong with it, and what was found out on the way."""


def outcomes_here(
    files: Iterable[InputFile], maker: Maker, translator: Translator, together: int, likeness: Likeness | None = None
) -> Generator[Made | RefusedFile]:
    """Read, translate and make films in this process, in order.

    Args:
        files: The films.
        maker: Reads them and makes their files.
        translator: Translates them.
        together: How many are translated at once.
        likeness: Says whether they are like those that the task was trained on; None: that is not known.

    Raises:
        PredictionError: If nothing more can be written.
    """
    remaining = iter(files)
    while read := [maker.read(file) for file in islice(remaining, together)]:
        canvases = [one.film.canvas for one in read if isinstance(one, Opened)]
        outputs = iter(translated(canvases, translator, likeness))
        for one in read:
            yield maker.make(one, *next(outputs)) if isinstance(one, Opened) else one


def translated(
    canvases: Sequence[Tensor], translator: Translator, likeness: Likeness | None = None
) -> Sequence[Translated]:
    """Translate canvases, and say what is found out on the way; what goes wrong with one is its own."""
    if not canvases:
        return []
    try:
        return _together(canvases, translator, likeness)
    except Exception as error:
        # One film may be what there is no memory for: then the others can do without it.
        if len(canvases) == 1:
            return [(error, ())]
        return [translated([canvas], translator, likeness)[0] for canvas in canvases]


def _together(canvases: Sequence[Tensor], translator: Translator, likeness: Likeness | None) -> list[Translated]:
    if likeness is None:
        return [(output, ()) for output in translator(canvases)]
    with likeness.watching() as bottleneck:
        outputs = translator(canvases)
        features = bottleneck.features
    return [
        (output, likeness.findings(canvas, seen))
        for output, canvas, seen in zip(outputs, canvases, features, strict=True)
    ]
