"""The ``piggygan`` command: parse, call, print.

A subcommand is a dataclass: its fields are what can be given, its docstring is its help, ``run`` does it. A new one
is added to ``COMMANDS``.
"""

from __future__ import annotations

import io
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import torch

from piggygan.cli.commands import (
    DONE,
    INTERRUPTED,
    NOT_LEARNED,
    REFUSED,
    UNREAD,
    Command,
    Group,
    show,
    show_error,
    show_warning,
)
from piggygan.cli.completion import Completion
from piggygan.cli.data import DATA
from piggygan.cli.demo import Demo
from piggygan.cli.evaluate import Evaluate
from piggygan.cli.keeping import NewKey, Repair, Sign
from piggygan.cli.measure import Measure
from piggygan.cli.node import Node
from piggygan.cli.option_names import as_options, options_named
from piggygan.cli.parsing import parse
from piggygan.cli.pix2pix import ExportPix2pix, ImportPix2pix
from piggygan.cli.predict import Predict
from piggygan.cli.registry import Export, Gc, Import, Remove, Tasks, Verify
from piggygan.cli.report import Report
from piggygan.cli.review import Review
from piggygan.cli.serve import Serve
from piggygan.cli.sharing import Card, Pull, Push
from piggygan.cli.train import Train
from piggygan.errors import NotLearnedError, PiggyganError
from piggygan.terminal.about import INTENDED_USE, __version__
from piggygan.training.launched import launched_number

COMMANDS: Mapping[str, type[Command] | Group] = {
    "demo": Demo,
    "train": Train,
    "predict": Predict,
    "measure": Measure,
    "review": Review,
    "evaluate": Evaluate,
    "report": Report,
    "serve": Serve,
    "node": Node,
    "tasks": Tasks,
    "verify": Verify,
    "export": Export,
    "import": Import,
    "push": Push,
    "pull": Pull,
    "card": Card,
    "remove": Remove,
    "gc": Gc,
    "repair": Repair,
    "sign": Sign,
    "new-key": NewKey,
    "data": DATA,
    "import-pix2pix": ImportPix2pix,
    "export-pix2pix": ExportPix2pix,
    "completion": Completion,
}

_DESCRIPTION = f"Continual learning for image-to-image GANs. {INTENDED_USE}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: What follows ``piggygan``; None: those of this process.

    Returns:
        The exit code: 0; 1 if ``verify`` found damage; 2 for anything refused, with one line on stderr that says why;
        3 for a task that was trained and is not learned.

    Raises:
        SystemExit: If the arguments cannot be parsed (2), or help was asked for (0).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a letter that the terminal does not have ends nothing
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()  # a reader that has gone is noticed here, after help too, and not when Python ends
    except BrokenPipeError:  # ``| head`` has all it wants
        # Python would try at its end to write what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


def _run(arguments: Sequence[str]) -> int:
    try:
        if list(arguments) in (["--version"], ["-V"]):
            show(f"piggygan {__version__} (torch {torch.__version__}, Python {platform.python_version()})")
            return DONE
        command = parse(arguments, Group(_DESCRIPTION, COMMANDS))
        kind = type(command)
        with warnings.catch_warnings(), options_named(kind), _one_of_several_speaks():
            # A warning is one line, without the source code that gave it.
            warnings.showwarning = lambda said, *_, **__: show_warning(f"warning: {as_options(str(said), kind)}")
            return command.run()
    except BrokenPipeError:
        raise
    except PiggyganError as error:
        show_error(str(error))
        return NOT_LEARNED if isinstance(error, NotLearnedError) else REFUSED
    except OSError as error:
        show_error(f"the system refused: {error}")
        return REFUSED
    except MemoryError:
        show_error("there is too little memory for this.")
        return REFUSED
    except KeyboardInterrupt:
        show_error("interrupted")
        return INTERRUPTED


@contextmanager
def _one_of_several_speaks() -> Iterator[None]:
    """Keep what is printed of several processes to the main one's."""
    if launched_number() == 0:
        yield
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield
