"""Packages that only some predictions need, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from piggygan.errors import ConfigurationError


def medical(module: Literal["highdicom", "highdicom.seg"], what: str) -> Any:
    """Import a package of the extra ``piggygan[medical]``.

    Args:
        module: Its name.
        what: For what it is needed.

    Raises:
        ConfigurationError: If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(f"{what} needs {module.split('.')[0]}: pip install 'piggygan[medical]'.") from error
