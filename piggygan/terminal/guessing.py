"""The word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask after the known word that is nearest to an unknown one; nothing if none is near.

    Returns:
        A question with a space behind it, or an empty text: what there is to choose from may follow.

    Example:
        >>> did_you_mean("lung", ("lungs", "facades")), did_you_mean("doors", ("lungs", "facades"))
        ("did you mean 'lungs'? ", '')
    """
    names = {_plain(name): name for name in known}
    close = difflib.get_close_matches(_plain(word), names, n=1)
    return f"did you mean {names[close[0]]!r}? " if close else ""


def _plain(word: str) -> str:
    return word.replace("_", "-").casefold()
