"""The subcommand that shows all of it on generated data."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, show, show_result
from piggygan.cli.ending import until_ended
from piggygan.cli.report import show_page
from piggygan.jobs.demo import QUICK, DemoScale, run_demo

Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]


@dataclass(frozen=True)
class Demo:
    """Learn generated facades, then lungs, with fine-tuning beside it, and write a page: minutes, no data, no GPU.

    The first task is the same afterwards, byte for byte; the page shows what fine-tuning leaves of
    it. The same line after any stop goes on.

    Exit code: 0 when the page is written; 2 if refused; 130 or 143 if a signal ended it, and all is saved.
    """

    folder: Folder = Path("runs/demo")
    """Folder of the run; made if it is new."""
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Smaller and fewer pictures, fewer epochs: how it goes, and not how well."""
    open: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Open the page in a browser."""
    json: AsJson = False

    def run(self) -> int:
        """Show it, and say what was found."""
        return until_ended(self._show)

    def _show(self) -> int:
        channel = sys.stderr if self.json else sys.stdout
        found = run_demo(self.folder, QUICK if self.quick else DemoScale(), tell=lambda line: show(line, channel))
        fields = dataclasses.asdict(found) | {"page": str(found.page)}
        show_result(["", *str(found).splitlines(), f"page: {found.page}"], fields, self.json)
        if self.open:
            show_page(found.page)
        return DONE
