"""One benchmark from its options to its report; what cannot be run here is said, and does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from benchmarks.reporting import Rows, describe_machine, report
from benchmarks.speed.options import CommonOptions


def run(title: str, options: CommonOptions, measure: Callable[[list[str]], Rows]) -> None:
    """Measure and report; where the device is missing, say so and write nothing over what was measured elsewhere.

    Args:
        title: The benchmark's name.
        options: What was chosen on the command line.
        measure: Given a list for what cannot be run, returns the rows.
    """
    if missing := options.missing_device():
        print(f"\n{title}\nnot run: {missing}")
        return
    device = torch.device(options.device)
    skipped: list[str] = []
    torch.manual_seed(0)
    rows = measure(skipped)
    title = f"{title}_{options.device}_{options.dtype}"
    report(title, rows, machine=describe_machine(device), skipped=skipped, out=options.out)


@contextmanager
def attempt(what: str, skipped: list[str]) -> Iterator[None]:
    """Go on where something cannot be run here, and remember why.

    A RuntimeError is what torch raises without memory, or for what it cannot do on a device or in a precision.

    Args:
        what: What is tried.
        skipped: Where the reason is added.
    """
    try:
        yield
    except (ImportError, ValueError, RuntimeError) as error:
        skipped.append(f"{what}: {_first_line(error)}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
