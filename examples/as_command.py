"""An example as a command: what piggygan refuses is one line, and so is a stop, at whatever moment it is asked for."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

import tyro

import piggygan as pg

Chosen = TypeVar("Chosen")


class Stopped(SystemExit):
    """A signal asked for the end while no training could hear it: between two, say."""


def run(main: Callable[[Chosen], None], options: type[Chosen], description: str | None) -> None:
    """Run an example's main function with what was chosen on the command line."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored it is in the background of a shell
            signal.signal(number, _stop)
    try:
        main(tyro.cli(options, description=description))
    except pg.errors.TrainingInterruptedError:  # which has said what was saved
        print("Add --resume.", file=sys.stderr)
        raise
    except Stopped as stopped:
        name = signal.Signals(int(str(stopped)) - 128).name
        print(f"{name} asked for the end. Start the same with --resume to go on.", file=sys.stderr)
        raise
    except (pg.PiggyganError, OSError) as error:  # OSError: such as an --out that cannot be written
        sys.exit(f"error: {error}")


def _stop(number: int, _: FrameType | None) -> NoReturn:
    raise Stopped(128 + number)
