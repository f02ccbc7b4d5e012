"""The sides of a task: as they are given, or drawn so that no patient is on two."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from piggygan.data.datasets.sides import SIDE_FOLDERS, side_called
from piggygan.data.splits import patients_on_two_sides, split_by_patient
from piggygan.errors import ConfigurationError, DatasetError

SHARES = "0.7/0.1/0.2"
"""Of train, val and test, where nobody says otherwise."""
_MOST_NAMED = 3
BY_PATIENT, BY_NAME = "patient", "name"


@dataclass(frozen=True)
class Drawing:
    """How sides are drawn.

    Attributes:
        shares: Of train, val and test; they add up to 1.
        by: What stays together: ``"patient"``, ``"name"`` (each file for itself), or a regular expression whose first
            group is the patient. None: the patient where all are known, else the name.
        seed: 0 or more.
    """

    shares: Mapping[str, float]
    by: str | None = None
    seed: int = 0

    def sides(self, names: Sequence[str], patients: Mapping[str, str]) -> tuple[dict[str, list[str]], str]:
        """Draw all sides, and say how.

        Raises:
            ConfigurationError: If the regular expression is none, or does not match.
            DatasetError: If patients are needed and not known, or there are too few.
        """
        wanted = {side: share for side, share in self.shares.items() if share > 0}
        owners, how = self._owners(names, patients)
        return split_by_patient(owners, wanted, seed=self.seed), how

    def validation(self, names: Sequence[str], patients: Mapping[str, str]) -> tuple[dict[str, list[str]], str]:
        """Draw a validation side from a training side, and say how.

        Raises:
            ConfigurationError, DatasetError: As of :meth:`sides`.
        """
        both = self.shares["train"] + self.shares["val"]
        owners, how = self._owners(names, patients)
        return split_by_patient(
            owners, {"train": 1.0 - self.shares["val"] / both, "val": self.shares["val"] / both}, seed=self.seed
        ), how

    def _owners(self, names: Sequence[str], patients: Mapping[str, str]) -> tuple[dict[str, str], str]:
        """Say what each name stays together with, and that in words."""
        unknown = [name for name in names if name not in patients]
        if self.by == BY_PATIENT and unknown:
            raise DatasetError(
                f"{len(unknown)} of {len(names)} files are of unknown patients, such as {_some(unknown)}: write "
                f'patients.json beside the folders, such as {{"a.png": "patient 1"}}, or draw by name or by a regular '
                f"expression."
            )
        if self.by == BY_PATIENT or (self.by is None and not unknown):
            return {name: patients[name] for name in names}, "by patient"
        if self.by in (BY_NAME, None):
            return {name: name for name in names}, "by name"
        return patients_in(names, self.by, "split_by"), f"by {self.by!r}"


def parse_shares(text: str) -> dict[str, float]:
    """Read the shares of train, val and test, such as ``0.7/0.1/0.2`` or ``70/10/20``.

    Raises:
        ConfigurationError: If they are none.

    Example:
        >>> parse_shares("80/10/10")
        {'train': 0.8, 'val': 0.1, 'test': 0.1}
    """
    try:
        shares = [float(part) for part in text.split("/")]
    except ValueError:
        shares = []
    total = sum(shares)
    is_whole = abs(total - 1) < 1e-6 or abs(total - 100) < 1e-4
    if len(shares) != 3 or not is_whole or min(shares) < 0 or not (shares[0] and shares[1]):
        raise ConfigurationError(
            f"split is {text!r}; needed are the shares of train, val and test that add up to 1, such as {SHARES}; only "
            f"that of test may be 0."
        )
    return dict(zip(SIDE_FOLDERS, (share / total for share in shares), strict=True))


def patients_in(names: Sequence[str], pattern: str, option: str) -> dict[str, str]:
    r"""Find the patient in each name: the first group of a regular expression, or all that it matches.

    Args:
        names: Of the files.
        pattern: The regular expression.
        option: What gave it, for messages.

    Raises:
        ConfigurationError: If it is no regular expression, or finds none in a name.

    Example:
        >>> patients_in(["p01-left", "p01-right"], r"^(p\d+)-", "split_by")
        {'p01-left': 'p01', 'p01-right': 'p01'}
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(
            f"{option} is {pattern!r}, which is no regular expression ({error}): give one that finds the patient in "
            rf"every name, such as '^(p\d+)-'."
        ) from error
    found = {name: compiled.search(name) for name in names}
    owners = {name: match[1 if compiled.groups else 0] for name, match in found.items() if match}
    lost = [name for name in names if not owners.get(name)]
    if lost:
        raise ConfigurationError(
            f"{option} is {pattern!r}, which finds no patient in {len(lost)} of {len(names)} names, such as "
            f"{_some(lost)}."
        )
    return owners


def given_sides(
    listed: Mapping[str, Sequence[str]], names: Sequence[str], where: str
) -> tuple[dict[str, list[str]], list[str]]:
    """Take the sides that a list or folders give, by the names that piggygan has for them, and say what is left out.

    Args:
        listed: Names of files by side, as they are called there.
        names: All files that there are.
        where: Where the list comes from, for messages.

    Raises:
        DatasetError: If none is called as a training or test side is, or one side is listed twice.
    """
    sides: dict[str, list[str]] = {}
    notes = []
    for called, members in listed.items():
        side = side_called(called)
        if side is None:
            notes.append(f"{where} lists {len(members)} files under {called!r}, which is no side: they are not used.")
        elif side in sides:
            raise DatasetError(f"{where} lists the {side} side twice, once as {called!r}: write it once.")
        else:
            sides[side] = list(dict.fromkeys(members))
    if not sides:
        raise DatasetError(
            f"{where} has the sides {', '.join(map(repr, listed))}, and none is called train, val or test: rename "
            f"them, or draw sides with split, such as {SHARES}."
        )
    left_out = len(set(names) - {name for members in sides.values() for name in members})
    if left_out and not notes:
        notes.append(f"{left_out} of {len(names)} files are on no side of {where}: they are not used.")
    return sides, notes


def check_patients(patients: Mapping[str, str], sides: Mapping[str, Sequence[str]], where: str) -> None:
    """Make sure that no patient is on two sides.

    Raises:
        DatasetError: If one is.
    """
    divided = patients_on_two_sides(patients, sides)
    if divided:
        example = "; ".join(f"{side}: {_some(names)}" for side, names in divided[0].items())
        raise DatasetError(
            f"{len(divided)} patients are on two sides of {where}, which makes scores too good, such as the one of "
            f"{example}. Move their files to one side, or draw sides with split={SHARES} and split_by=patient."
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(map(repr, names[:_MOST_NAMED]))}{more}"
