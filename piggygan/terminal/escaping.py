"""Text from files, made safe to show: a terminal obeys what it prints.

Names, keys, dates and tensor names come from files that others wrote. Printed raw, an escape sequence moves the cursor
or clears the screen, a mark that reverses the direction of text lets one name pose as another, and half a surrogate
pair cannot be printed at all.
"""

from __future__ import annotations


def escaped(text: str, *, keep: str = "") -> str:
    r"""Write every character that a terminal obeys or does not show as Python writes it in a string.

    Those are control characters, marks of text direction, invisible ones, separators other than the space, lone
    surrogates, and what Unicode has not assigned. A backslash stays one: escaping twice is escaping once.

    Args:
        text: Anything.
        keep: Characters to leave as they are, such as a newline between lines of our own.

    Example:
        >>> escaped("lungs\x1b[2K\u202e: equal")
        'lungs\\x1b[2K\\u202e: equal'
        >>> escaped("Längs\n", keep="\n")
        'Längs\n'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else ascii(letter)[1:-1] for letter in text)
