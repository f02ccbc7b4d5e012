"""The ``piggygan`` command: parse, call, print.

A subcommand is a dataclass: its fields are what can be given, its docstring is its help, ``run`` does it. A new one
is added to ``COMMANDS``. Each is imported when it is asked for: who serves does not wait for what trains.
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
    Group,
    show,
    show_error,
    show_warning,
)
from piggygan.cli.option_names import as_options, options_named
from piggygan.cli.parsing import parse
from piggygan.errors import NotLearnedError, PiggyganError
from piggygan.terminal.about import INTENDED_USE, __version__
from piggygan.terminal.launched import launched_number

COMMANDS: Mapping[str, str | Group] = {
    "demo": "demo:Demo",
    "train": "train:Train",
    "sweep": "sweep:Sweep",
    "predict": "predict:Predict",
    "measure": "measure:Measure",
    "review": "review:Review",
    "evaluate": "evaluate:Evaluate",
    "report": "report:Report",
    "serve": "serve:Serve",
    "node": "node:Node",
    "attach": "attach:Attach",
    "tasks": "registry:Tasks",
    "verify": "registry:Verify",
    "export": "registry:Export",
    "import": "registry:Import",
    "push": "sharing:Push",
    "pull": "sharing:Pull",
    "card": "sharing:Card",
    "remove": "registry:Remove",
    "gc": "registry:Gc",
    "repair": "keeping:Repair",
    "sign": "keeping:Sign",
    "new-key": "keeping:NewKey",
    "data": Group(
        "Data sets: which are known, and whether a folder is sound.", {"check": "data:Check", "list": "data:List"}
    ),
    "import-pix2pix": "pix2pix:ImportPix2pix",
    "export-pix2pix": "pix2pix:ExportPix2pix",
    "completion": "completion:Completion",
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
