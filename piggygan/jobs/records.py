"""What is written down of a task as JSON, and read back checked: its beginning, its result, a rival's."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from piggygan.errors import ConfigurationError, CorruptFileError
from piggygan.files.durable import write_durably
from piggygan.files.regular import read_regular_file, shown
from piggygan.files.strict_json import decode, parse_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)

MAX_SIZE = 1 << 24


def write_record(path: Path, record: DataclassInstance) -> None:
    """Write it down.

    Raises:
        OSError: If the system refused.
    """
    write_durably(path, (json.dumps(asdict(record), indent=2) + "\n").encode())


def read_record(kind: type[Record], path: Path, otherwise: str) -> Record | None:
    """Read what was written down; None if there is none.

    Args:
        kind: A dataclass.
        path: The file.
        otherwise: What to do if it is damaged, a sentence.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    try:
        return decode(kind, parse_json(read_regular_file(path, max_size=MAX_SIZE)), "it")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, CorruptFileError) as error:
        raise ConfigurationError(f"{shown(path)} cannot be used: {error}. {otherwise}") from error
