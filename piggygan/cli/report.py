"""The subcommand that writes the page of a registry."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, RegistryFolder, show_error, show_result
from piggygan.jobs.pages.registry_page import write_registry_page


@dataclass(frozen=True)
class Report:
    """Write one page of all tasks: scores, costs, what later tasks did to earlier ones, certificates.

    Every certificate is computed again. The page is one file, report.html beside the registry; it shows samples, so it
    is as private as these.
    """

    registry: RegistryFolder
    """Folder of the run, or of a registry."""
    open: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Open it in a browser."""
    json: AsJson = False

    def run(self) -> int:
        """Write it, and say where it is."""
        page = write_registry_page(self.registry)
        show_result([f"report: {page}"], {"report": str(page)}, self.json)
        if self.open:
            show_page(page)
        return DONE


def show_page(page: Path) -> None:
    """Open a page in a browser; where there is none, that is said and nothing fails."""
    if not webbrowser.open(page.resolve().as_uri()):
        show_error("no browser can be opened here: open the page by hand.")
