"""What is made of one network output: every file of it in memory, so that all of them are written or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from piggygan.errors import PredictionError
from piggygan.prediction.cleaning import fill_holes, keep_largest
from piggygan.prediction.dicom_seg import Algorithm, segmentation_bytes
from piggygan.prediction.films import Film
from piggygan.prediction.findings import Finding
from piggygan.prediction.judging import judge
from piggygan.prediction.options import Kind, PredictionOptions
from piggygan.prediction.png import mask_png, overlay_png, picture_png, share_png

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


@dataclass(frozen=True)
class Products:
    """Files of one prediction.

    Attributes:
        contents: Bytes by their path in the output folder, which is ``KIND/NAME.SUFFIX``.
        rows: Of the input.
        columns: Of the input.
        foreground: Share of the mask that is foreground; None for pictures.
        sha256: Of the bytes that the film was read from.
        remarks: What was odd about the film.
        findings: What was found out about the film and its mask.
    """

    contents: dict[str, bytes]
    rows: int
    columns: int
    foreground: float | None
    sha256: str
    remarks: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def products_of(
    film: Film,
    output: Float[Tensor, "channels height width"],
    kind: Kind,
    options: PredictionOptions,
    algorithm: Algorithm,
) -> Products:
    """Bring a network's output back onto its film, and make the files of it.

    Args:
        film: The film.
        output: What was made of it; if ``options.disagreement`` asks for it, where members differ is the last channel.
        kind: What the task makes.
        options: How it is applied.
        algorithm: What a DICOM segmentation says made it.

    Raises:
        PredictionError: If the output is not finite, or a DICOM segmentation is not what it should be.
        InputError: If a picture has values outside [-1, 1].
    """
    if not bool(output.isfinite().all()):
        raise PredictionError("the network gave values that are no numbers: nothing can be made of them.")
    whole, name = film.placement.take_back(output), film.file.name
    shown = {}
    if options.disagreement:
        whole, differ = whole[:-1], whole[-1]
        shown = {f"disagreement/{name}.png": share_png(differ)}
    if kind == "picture":
        contents = {f"pictures/{name}.png": picture_png(whole), **shown}
        return _of_film(film, contents, None)
    mask = hard_mask(whole, options)
    contents = {f"masks/{name}.png": mask_png(mask), f"overlays/{name}.png": overlay_png(film.preview, mask), **shown}
    if film.source is not None:
        contents[f"segmentations/{name}.dcm"] = segmentation_bytes(
            mask, film.source, algorithm, plane_of(film) if options.viewer == "ohif" else None
        )
    return replace(
        _of_film(film, contents, np.count_nonzero(mask) / mask.size), findings=judge(mask, film.description, options)
    )


def plane_of(film: Film) -> tuple[float, float]:
    """Say how large a pixel is; of one that nobody measured, that it is a millimetre wide, as viewers assume."""
    described = film.description
    return described.spacing or (described.aspect, 1.0) if described else (1.0, 1.0)


def _of_film(film: Film, contents: dict[str, bytes], foreground: float | None) -> Products:
    return Products(contents, film.placement.rows, film.placement.columns, foreground, film.digest, film.remarks)


def hard_mask(soft: Float[Tensor, "1 rows columns"], options: PredictionOptions) -> Bool[np.ndarray, "rows columns"]:
    """Decide which pixels are foreground, and tidy the mask as the options say."""
    mask = (soft[0] > 0).numpy()
    if options.largest is not None:
        mask = keep_largest(mask, options.largest)
    return fill_holes(mask) if options.fill_holes else mask
