"""The subcommand that shows what was predicted, the most doubtful first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, show_error, show_result
from piggygan.prediction.contact_sheet import write_contact_sheet
from piggygan.terminal.about import INTENDED_USE

Predicted = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PREDICTED")]


@dataclass(frozen=True)
class Review:
    """Write a page of predicted masks on their films, the most doubtful first.

    PREDICTED is what piggygan predict wrote. The page is one HTML file that fetches nothing; it shows films, so it is
    as private as they are.
    """

    predicted: Predicted
    """What predict wrote."""
    out: Path
    """The HTML file to write; one that is there is not replaced."""
    require: str = "lungs"
    """What masks have to be like: lungs, hearts, or rules such as "parts<=2,area=0.1..0.6"."""
    most: int = 100
    """How many of the most doubtful are shown."""
    json: AsJson = False

    def run(self) -> int:
        """Write the page, and print which masks are doubtful."""
        doubts = write_contact_sheet(self.predicted, self.out, rules=self.require, most=self.most)
        show_error(INTENDED_USE)
        broken = [doubt for doubt in doubts if doubt.says]
        lines = [f"doubtful: {doubt.name!r}: {doubt.says}" for doubt in broken]
        lines.append(f"{len(doubts)} masks, {len(broken)} doubtful; the page shows films: {str(self.out)!r}")
        show_result(lines, {"masks": [asdict(doubt) for doubt in doubts], "page": str(self.out)}, self.json)
        return DONE
