"""Predictions: what came of a prediction, read from its journal film by film."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TextIO

from piggygan.prediction.doubting import is_to_review, score_of
from piggygan.prediction.journal import Journal
from piggygan.prediction.summary import PredictedFile, PredictionSummary, RefusedFile


class Predictions:
    """What came of a prediction; however many films there are, none of them is kept in memory.

    Args:
        journal: Holds the films.
        about: All that is known but the films and the runs.
        order: Paths of films, in the order in which they are given.

    Attributes:
        made: How many films were made by this run; the others were there.
        about: As given, with the runs so far and what is to be looked at.
    """

    def __init__(self, journal: Journal, about: PredictionSummary, order: Sequence[str]) -> None:
        self._journal = journal
        self._about = about
        self._order = order
        self.made = 0

    @property
    def about(self) -> PredictionSummary:
        """All that is known but the films, with the runs so far and what is to be looked at."""
        return replace(self._about, runs=tuple(self._journal.runs), review=self._to_review())

    @property
    def predicted_count(self) -> int:
        """How many films were predicted, by this run or before it."""
        return self._journal.predicted_count

    @property
    def refused_count(self) -> int:
        """How many films could not be predicted."""
        return self._journal.refused_count

    def predicted(self) -> Iterator[PredictedFile]:
        """Give the films that were predicted."""
        return self._journal.predicted(self._order)

    def refused(self) -> Iterator[RefusedFile]:
        """Give the films that could not be."""
        return self._journal.refused(self._order)

    def _to_review(self) -> tuple[str, ...]:
        if self._about.options.review_below is None:
            return ()
        found = [
            (score_of(file), place, file.source) for place, file in enumerate(self.predicted()) if is_to_review(file)
        ]
        return tuple(source for *_, source in sorted(found))

    def summary(self) -> PredictionSummary:
        """Gather everything in memory."""
        return replace(self.about, predicted=tuple(self.predicted()), refused=tuple(self.refused()))

    def write(self, file: TextIO) -> None:
        """Write what :meth:`PredictionSummary.to_json` would: in ASCII, a line a film."""
        fields = self.about.as_dict()
        files: dict[str, Callable[[], Iterator[PredictedFile | RefusedFile]]] = {
            "predicted": self.predicted,
            "refused": self.refused,
        }
        file.write("{")
        for number, (name, value) in enumerate(fields.items()):
            file.write(f"{',' if number else ''}\n  {json.dumps(name)}: ")
            if name not in files:
                file.write(json.dumps(value))
                continue
            file.write("[")
            for place, one in enumerate(files[name]()):
                file.write(f"{',' if place else ''}\n    {json.dumps(asdict(one))}")
            file.write("\n  ]")
        file.write("\n}\n")
