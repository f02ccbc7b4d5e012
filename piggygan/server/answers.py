"""What is made of an output, in the form that a request accepts."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from torch import Tensor

from piggygan.prediction.dicom_seg import segmentation_bytes
from piggygan.prediction.films import Film
from piggygan.prediction.judging import judge
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.png import mask_png, overlay_png, picture_png, share_png
from piggygan.prediction.results import hard_mask, plane_of
from piggygan.server.batching import Made
from piggygan.server.held import Ready
from piggygan.server.problems import Refusal

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, UInt8

PNG, NPY, DICOM, JSON = "image/png", "application/x-npy", "application/dicom", "application/json"
FORMS = (PNG, NPY, DICOM, JSON)
"""In the order in which they are taken by who accepts anything."""
SUFFIXES = {PNG: "png", NPY: "npy", DICOM: "dcm", JSON: "json"}
SHOWS = ("result", "values", "overlay", "disagreement")
"""What a PNG may show: the mask or picture itself; a mask before it was cut; its outline on its film; or where the
members of an ensemble differ, 0 to 255."""
HALF = 128
"""The smallest level of a PNG of values that is foreground."""


@dataclass(frozen=True)
class Answer:
    """What is sent for one file.

    Attributes:
        form: Its media type.
        content: Its bytes.
        facts: What is known of it, for headers and summaries.
    """

    form: str
    content: bytes
    facts: dict[str, Any]


def chosen_form(accept: str, forms: tuple[str, ...] = FORMS) -> str:
    """Choose the form that a request's ``Accept`` likes best.

    Raises:
        Refusal: If it accepts none.

    Example:
        >>> chosen_form("application/dicom, image/png;q=0.5"), chosen_form("*/*"), chosen_form("")
        ('application/dicom', 'image/png', 'image/png')
    """
    ranges = dict(_ranges(accept or "*/*"))
    liked = {form: _quality(ranges, form) for form in forms}
    best = max(liked, key=lambda form: liked[form])
    if liked[best] <= 0:
        raise Refusal(406, "not-acceptable", f"Accept is {accept[:200]!r}; there are {', '.join(forms)}.")
    return best


def answer_of(
    film: Film,
    made: Made,
    ready: Ready,
    options: PredictionOptions,
    form: str,
    show: str,
) -> Answer:
    """Bring an output back onto its film and write it, with the bytes that predicting files on disk writes.

    Raises:
        Refusal: If there is no such form of it.
        PredictionError, InputError: As of :func:`~piggygan.prediction.results.products_of`.
    """
    output, findings = made
    if not bool(output.isfinite().all()):
        raise Refusal(500, "not-finite", "the network gave values that are no numbers: nothing can be made of them.")
    whole = film.placement.take_back(output)
    differ = None
    if ready.ensemble.size > 1:
        whole, differ = whole[:-1], whole[-1]
    facts = _facts(film, ready)
    mask = None
    if ready.ensemble.kind == "mask":
        mask = hard_mask(whole, options)
        facts["foreground"] = float(mask.mean())
        findings = (*findings, *judge(mask, film.description, options))
    if findings:
        facts["findings"] = [asdict(finding) for finding in findings]
    if form == JSON:
        return Answer(form, json.dumps(facts).encode(), facts)
    if form == NPY:
        return Answer(form, _npy(whole.numpy()), facts)
    if form == PNG and show == "disagreement":
        return Answer(form, _disagreement(differ), facts)
    if mask is not None:
        content = _segmentation(mask, film, ready, options) if form == DICOM else _of_mask(mask, whole, film, show)
        return Answer(form, content, facts)
    if form == DICOM or show != "result":
        raise Refusal(406, "not-acceptable", "the task makes pictures: ask for image/png without show, or npy.")
    return Answer(form, picture_png(whole), facts)


def _facts(film: Film, ready: Ready) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "task": ready.task,
        "kind": ready.ensemble.kind,
        "rows": film.placement.rows,
        "columns": film.placement.columns,
        "certificate": ready.algorithm.certificate,
        "input_sha256": film.digest,
        "remarks": list(film.remarks),
    }
    return {**facts, "members": list(ready.members)} if ready.ensemble.size > 1 else facts


def _disagreement(differ: Float[Tensor, "rows columns"] | None) -> bytes:
    if differ is None:
        raise Refusal(406, "not-acceptable", "the task is no ensemble, so that nobody disagrees: leave show out.")
    return share_png(differ)


def _of_mask(
    mask: Bool[np.ndarray, "rows columns"], whole: Float[Tensor, "1 rows columns"], film: Film, show: str
) -> bytes:
    if show == "values":
        return _grey_png(levels_of_values(whole))
    return overlay_png(film.preview, mask) if show == "overlay" else mask_png(mask)


def _segmentation(
    mask: Bool[np.ndarray, "rows columns"], film: Film, ready: Ready, options: PredictionOptions
) -> bytes:
    if film.source is None:
        raise Refusal(406, "not-acceptable", "a DICOM Segmentation refers to a DICOM film, and the file is none.")
    plane = plane_of(film) if options.viewer == "ohif" else None
    return segmentation_bytes(mask, film.source, ready.applied(options), plane)


def headers_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Write what is known of an answer as headers, each a JSON value that is ASCII."""
    return {
        f"Piggygan-{name.replace('_', '-').title()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
    }


def levels_of_values(soft: Float[Tensor, "1 rows columns"]) -> UInt8[np.ndarray, "rows columns"]:
    """Write soft values of [-1, 1] in 8 bits, so that what is above 0, and only that, is :data:`HALF` or more.

    Example:
        >>> import torch
        >>> levels_of_values(torch.tensor([[[-1.0, -1e-9, 0.0, 1e-9, 1.0]]])).tolist()
        [[0, 127, 127, 128, 255]]
    """
    values = soft[0].double().numpy()
    steps = np.floor(np.abs(values) * HALF).clip(0, HALF - 1)
    levels: UInt8[np.ndarray, "rows columns"] = np.where(values > 0, HALF + steps, HALF - 1 - steps).astype(np.uint8)
    return levels


def _grey_png(levels: UInt8[np.ndarray, "rows columns"]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, format="PNG")
    return file.getvalue()


def _npy(values: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(values))
    return file.getvalue()


def _ranges(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            found.append((name, float(quality)))
        except ValueError:
            found.append((name, 0.0))
    return found


def _quality(ranges: Mapping[str, float], form: str) -> float:
    for name in (form, f"{form.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
