"""What a mask has to be like, in words such as ``parts<=2,area=0.1..0.6``, and whether one is."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, fields

from piggygan.errors import ConfigurationError
from piggygan.prediction.mask_shape import MaskShape
from piggygan.terminal.guessing import did_you_mean

WORDS = tuple(field.name for field in fields(MaskShape))
"""What a rule can be about."""

LUNGS = "parts=2,area=0.08..0.6,left=0.3..0.7,border<=0.1"
"""Of lungs on a frontal film. Chosen on the training sides of four data sets of true masks, where 4 of 560 are not so;
of the 175 on the other sides all are (tests/prediction/test_real_shapes.py)."""
HEARTS = "parts=1,area=0.04..0.18,left=0.4..0.65,border=0"
"""Of a heart on a frontal film. Chosen on the training side of JSRT; the other 60 are so too."""

NAMED = {"lungs": LUNGS, "hearts": HEARTS}
"""Rules that go by what they are of."""
_NUMBER = r"[0-9]*\.?[0-9]+"
_RULE = re.compile(rf"([^<>=\s]+)\s*(<=|>=|=)\s*({_NUMBER})(?:\.\.({_NUMBER}))?")
_SAID = {"area": "covers {} of the film", "parts": "has {} parts", "left": "has {} of itself on the left",
         "border": "covers {} of the film's border"}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """Limits of one number.

    Attributes:
        word: Which number.
        least: The smallest that may be.
        most: The largest.
    """

    word: str
    least: float
    most: float

    def __str__(self) -> str:
        """Write it as it is given."""
        if self.least == self.most:
            return f"{self.word}={self.most:g}"
        if math.isinf(self.most):
            return f"{self.word}>={self.least:g}"
        return f"{self.word}<={self.most:g}" if self.least == 0 else f"{self.word}={self.least:g}..{self.most:g}"


def rules_of(text: str) -> tuple[Rule, ...]:
    """Read rules.

    Args:
        text: Rules with commas between them: a word of :data:`WORDS`, ``<=``, ``>=`` or ``=``, and a number or, after
            ``=``, a range ``0.1..0.6``. Or ``lungs`` or ``hearts``, for what those have to be like; what follows these
            takes the place of their rule of the same word.

    Raises:
        ConfigurationError: If there is another word, or what is no rule.

    Example:
        >>> [str(rule) for rule in rules_of("lungs, area=0.1..0.5")]
        ['parts=2', 'area=0.1..0.5', 'left=0.3..0.7', 'border<=0.1']
    """
    found: dict[str, Rule] = {}
    for part in (part.strip() for part in text.split(",")):
        rules = rules_of(NAMED[part]) if part in NAMED else (_rule(part),)
        found |= {rule.word: rule for rule in rules}
    return tuple(found.values())


def _rule(text: str) -> Rule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is no rule for masks: {did_you_mean(text, list(NAMED))}give a word, <=, >= or =, and a number, "
            f"such as parts<=2 or area=0.1..0.6."
        )
    word, sign, first, last = match.groups()
    if word not in WORDS:
        raise ConfigurationError(
            f"rules for masks know no {word!r}: {did_you_mean(word, list(WORDS))}There are {', '.join(WORDS)}."
        )
    if last is not None and (sign != "=" or float(last) < float(first)):
        raise ConfigurationError(f"{text!r} is no rule for masks: a range is word=smaller..larger.")
    least = 0.0 if sign == "<=" else float(first)
    most = math.inf if sign == ">=" else float(last or first)
    return Rule(word, least, most)


def unmet(rules: tuple[Rule, ...], shape: MaskShape) -> str:
    """Say in one sentence what of a mask is not as it has to be; empty if all is.

    Example:
        >>> unmet(rules_of("parts<=2,area<=0.5"), MaskShape(area=0.2, parts=3, left=0.5, border=0.0))
        'The mask has 3 parts; required is parts<=2.'
    """
    values = asdict(shape)
    broken = [rule for rule in rules if not rule.least <= values[rule.word] <= rule.most]
    if not broken:
        return ""
    said = " and ".join(_SAID[rule.word].format(_shown(values[rule.word])) for rule in broken)
    said = said.replace("has 1 parts", "has 1 part")
    return f"The mask {said}; required is {','.join(map(str, broken))}."


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
