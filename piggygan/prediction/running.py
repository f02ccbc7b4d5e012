"""Films through the network, one after another in this process, or canvases that others read."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import islice

from torch import Tensor

from piggygan.prediction.inputs import InputFile
from piggygan.prediction.making import Made, Maker, Opened
from piggygan.prediction.summary import RefusedFile
from piggygan.prediction.translator import Translator


def outcomes_here(
    files: Iterable[InputFile], maker: Maker, translator: Translator, together: int
) -> Generator[Made | RefusedFile]:
    """Read, translate and make films in this process, in order.

    Args:
        files: The films.
        maker: Reads them and makes their files.
        translator: Translates them.
        together: How many are translated at once.

    Raises:
        PredictionError: If nothing more can be written.
    """
    remaining = iter(files)
    while read := [maker.read(file) for file in islice(remaining, together)]:
        outputs = iter(translated([one.film.canvas for one in read if isinstance(one, Opened)], translator))
        for one in read:
            yield maker.make(one, next(outputs)) if isinstance(one, Opened) else one


def translated(canvases: Sequence[Tensor], translator: Translator) -> Sequence[Tensor | Exception]:
    """Translate canvases; what goes wrong with one is its own."""
    if not canvases:
        return []
    try:
        return translator(canvases)
    except Exception as error:
        # One film may be what there is no memory for: then the others can do without it.
        return [error] if len(canvases) == 1 else [translated([canvas], translator)[0] for canvas in canvases]
