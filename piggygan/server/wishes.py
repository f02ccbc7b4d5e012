"""What a request asks of a task: its query, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from starlette.datastructures import QueryParams

from piggygan.errors import ConfigurationError
from piggygan.prediction.options import Fit, PredictionOptions, Viewer
from piggygan.server.answers import DICOM, SHOWS
from piggygan.server.limits import Limits
from piggygan.server.problems import Refusal

NAMES = (
    "network",
    "show",
    "size",
    "fit",
    "largest",
    "fill_holes",
    "body_part",
    "patient",
    "viewer",
    "require",
    "measure",
)
PATIENTS = ("copy", "empty")
"""Whom a segmentation names: its film's patient, or nobody; pseudonyms need a secret, which no request should hold."""
LONGEST_RULE = 200
_YES, _NO = ("1", "true"), ("0", "false")


@dataclass(frozen=True)
class Wish:
    """How a task is to be applied, and what of it is to be seen.

    Attributes:
        options: As of predicting files.
        network: Which of several networks.
        show: One of :data:`~piggygan.server.answers.SHOWS`.
    """

    options: PredictionOptions
    network: str | None
    show: str


def wish_of(query: QueryParams, form: str, limits: Limits) -> Wish:
    """Read a query.

    Args:
        query: What stands behind the question mark.
        form: The media type that will be sent.
        limits: How much the network may be given.

    Raises:
        Refusal: If it asks for what there is not.
    """
    for name in query:
        if name not in NAMES:
            raise Refusal(400, "query", f"there is no {name[:40]!r}; there are {', '.join(NAMES)}.")
    show = _one_of(query, "show", SHOWS) or SHOWS[0]
    size = _whole(query, "size")
    if size is not None and size * size > limits.pixels:
        raise Refusal(413, "too-large", f"size is {size}; the network is given at most {limits.pixels} pixels.")
    try:
        options = PredictionOptions(
            size=size,
            fit=_one_of(query, "fit", get_args(Fit)) or "stretch",  # type: ignore[arg-type]  # it is one of them
            largest=_whole(query, "largest"),
            fill_holes=_one_of(query, "fill_holes", (*_YES, *_NO)) in _YES,
            viewer=_one_of(query, "viewer", get_args(Viewer)) or "any",  # type: ignore[arg-type]  # likewise
            require=query.get("require", "")[:LONGEST_RULE] or None,
            measure=_one_of(query, "measure", (*_YES, *_NO)) in _YES,
            body_part=query.get("body_part"),
            dicom_seg=form == DICOM,
            patient=_one_of(query, "patient", PATIENTS) or "copy",  # type: ignore[arg-type]  # likewise
            untrusted=True,
        )
    except ConfigurationError as error:
        raise Refusal(400, "query", str(error)) from None
    return Wish(options, query.get("network"), show)


def _one_of(query: QueryParams, name: str, known: tuple[str, ...]) -> str | None:
    given = query.get(name)
    if given is not None and given not in known:
        raise Refusal(400, "query", f"{name} is {given[:40]!r}; there are {', '.join(known)}.")
    return given


def _whole(query: QueryParams, name: str) -> int | None:
    given = query.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 9):
        raise Refusal(400, "query", f"{name} is {given[:40]!r}; needed is a whole number.")
    return int(given)
