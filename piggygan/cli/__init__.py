"""The ``piggygan`` command: parse, call, print.

A subcommand is a dataclass: its fields are what can be given, its docstring is its help, ``run`` does it. A new one
is added to ``COMMANDS``.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence

import tyro

from piggygan.cli.commands import INTERRUPTED, REFUSED, UNREAD, Command
from piggygan.cli.data import Data
from piggygan.cli.pix2pix import ExportPix2pix, ImportPix2pix
from piggygan.cli.predict import Predict
from piggygan.cli.registry import Export, Gc, Import, Remove, Tasks, Verify
from piggygan.errors import PiggyganError
from piggygan.intended_use import INTENDED_USE

COMMANDS: dict[str, Callable[..., Command]] = {
    "predict": Predict,
    "tasks": Tasks,
    "verify": Verify,
    "export": Export,
    "import": Import,
    "remove": Remove,
    "gc": Gc,
    "data": Data,
    "import-pix2pix": ImportPix2pix,
    "export-pix2pix": ExportPix2pix,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: What follows ``piggygan``; None: those of this process.

    Returns:
        The exit code: 0; 1 if ``verify`` found damage; 2 for anything refused, with one line on stderr that says why.

    Raises:
        SystemExit: If the arguments cannot be parsed (2), or help was asked for (0).
    """
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()  # a reader that has gone is noticed here, after help too, and not when Python ends
    except BrokenPipeError:  # ``| head`` has all it wants
        # Python would try at its end to write what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


def _run(arguments: Sequence[str] | None) -> int:
    try:
        command: Command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="piggygan",
            description=f"Continual learning for image-to-image GANs. {INTENDED_USE}",
            args=arguments,
        )
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return command.run()
    except PiggyganError as error:
        print(f"piggygan: {' '.join(str(error).split())}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("piggygan: interrupted", file=sys.stderr)
        return INTERRUPTED


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line, without the source code that gave it."""
    print(f"piggygan: warning: {' '.join(str(message).split())}", file=sys.stderr)
