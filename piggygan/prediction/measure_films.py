"""Masks of lungs and of hearts measured, film by film, and written as a table and as DICOM reports."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from piggygan.data.dicom.description import ANY_FILM
from piggygan.data.dicom.source import Identify
from piggygan.data.image_file import ImageFile
from piggygan.data.masks import read_mask
from piggygan.errors import ConfigurationError, DatasetError, PiggyganError, PredictionError
from piggygan.files.regular import shown
from piggygan.prediction.dicom_sr import report_bytes
from piggygan.prediction.doubting import DISAGREEMENT, EXPECTED_DICE
from piggygan.prediction.extras import medical
from piggygan.prediction.films import Reading, reading
from piggygan.prediction.mask_folder import MaskFile, MaskFolder, open_masks
from piggygan.prediction.measurements import Measured, Measurements, Unmeasured
from piggygan.prediction.measuring import area_mm2, cardiothoracic_ratio, heart_width, thoracic_width
from piggygan.prediction.options import Patient, PredictionOptions
from piggygan.prediction.outputs import OutputFolder

if TYPE_CHECKING:
    from jaxtyping import Bool

TABLE = "measurements.csv"


@dataclass(frozen=True)
class MeasureOptions:
    """How films are measured.

    Example:
        >>> MeasureOptions(dicom_sr=True).patient
        'copy'
    """

    dicom_sr: bool = False
    """Write a DICOM Structured Report (TID 1500) of each DICOM film too; needs piggygan[medical]."""
    patient: Patient = "copy"
    """Whom these name, as piggygan predict has it."""
    patient_key: str | None = None
    """File with the secret that pseudonyms are made with."""
    untrusted: bool = False
    """Read the films in a process of its own with limits on time and memory."""


_DEFAULTS = MeasureOptions()


def measure(
    lungs: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    hearts: str | os.PathLike[str] | None = None,
    options: MeasureOptions = _DEFAULTS,
) -> Measurements:
    """Measure the lungs of films and, where there are hearts too, the cardiothoracic ratio.

    Writes ``measurements.csv``, ``summary.json`` and, if they are asked for, ``reports/NAME.dcm``. Square millimetres
    are known where the film that was predicted is DICOM, says how large its pixels are, and still is where it was,
    with the same bytes.

    Args:
        lungs: What :func:`piggygan.predict` wrote for a task of lungs, or a folder of masks of lungs.
        out: A folder that is new or empty.
        hearts: The same of hearts, of the same films: matched by the films' digests, or by the masks' names.
        options: What is written besides.

    Raises:
        DatasetError: If there are no masks, or no film has both.
        PredictionError: If a folder is not what it has to be, or ``out`` is not empty or cannot be written to.
        ConfigurationError: If reports are asked for and there are no films to refer to, or a package is missing.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> lungs = np.array([[1, 1, 0, 0, 1, 1]], dtype=np.uint8) * 255
        >>> with TemporaryDirectory() as folder:
        ...     for kind, mask in (("lungs", lungs), ("hearts", 255 - lungs)):
        ...         Path(folder, kind).mkdir()
        ...         Image.fromarray(mask).save(f"{folder}/{kind}/1.png")
        ...     found = measure(f"{folder}/lungs", f"{folder}/measured", hearts=f"{folder}/hearts")
        >>> found.measured[0].lung_pixels, round(found.measured[0].cardiothoracic_ratio, 3)
        (4, 0.333)
    """
    of_lungs, of_hearts = open_masks(lungs), None if hearts is None else open_masks(hearts)
    pairs = _pairs(of_lungs, of_hearts)
    if options.dicom_sr:
        medical("highdicom", "A DICOM report")
        if of_lungs.task is None:
            raise ConfigurationError(
                f"a DICOM report refers to its film, and {shown(of_lungs.folder)} does not say of which its masks are: "
                f"give what predict wrote."
            )
    reading_options = PredictionOptions(
        untrusted=options.untrusted, patient=options.patient, patient_key=options.patient_key
    )
    with reading(reading_options) as source:
        folder = OutputFolder(out)
        try:
            return _Measuring(of_lungs, of_hearts, options, source, folder).all_of(pairs)
        finally:
            folder.leave()


def _pairs(lungs: MaskFolder, hearts: MaskFolder | None) -> list[tuple[MaskFile, MaskFile | None]]:
    if hearts is None:
        return [(mask, None) for mask in lungs.masks]
    if (lungs.task is None) != (hearts.task is None):
        raise PredictionError(
            "one of the two folders is what predict wrote and the other is not: give two of a kind, since films are "
            "told apart by their digests in one and by names in the other."
        )
    of_film = {mask.key: mask for mask in hearts.masks}
    pairs = [(mask, of_film.get(mask.key)) for mask in lungs.masks]
    if not any(heart for _, heart in pairs):
        raise DatasetError(
            f"no film of {shown(lungs.folder)} is in {shown(hearts.folder)}: are they of the same films?"
        )
    return pairs


class _Measuring:
    """Measures films; whatever goes wrong with one is the end of that one."""

    def __init__(
        self,
        lungs: MaskFolder,
        hearts: MaskFolder | None,
        options: MeasureOptions,
        source: Reading,
        folder: OutputFolder,
    ) -> None:
        self._lungs, self._hearts, self._options = lungs, hearts, options
        self._source, self._folder = source, folder
        self._certificates = " ".join(one.certificate for one in (lungs, hearts) if one and one.certificate)
        self._reports = 0

    def all_of(self, pairs: list[tuple[MaskFile, MaskFile | None]]) -> Measurements:
        measured: list[Measured] = []
        refused: list[Unmeasured] = []
        for lungs, heart in pairs:
            try:
                measured.append(self._one(lungs, heart))
            except PiggyganError as error:
                refused.append(Unmeasured(lungs.name, type(error).__name__, " ".join(str(error).split())))
        hearts = self._hearts
        found = Measurements(
            (self._lungs.task, self._lungs.certificate),
            None if hearts is None else (hearts.task, hearts.certificate),
            tuple(measured),
            tuple(refused),
            self._reports,
        )
        if measured:
            self._folder.write(TABLE, found.to_csv())
            self._folder.write_summary(found.to_json())
        return found

    def _one(self, lungs: MaskFile, heart: MaskFile | None) -> Measured:
        film, missing = self._film_of(lungs)
        if self._hearts is not None and heart is None:
            missing = f"{missing} There is no mask of its heart.".strip()
        spacing = film.film.spacing if film and film.film else None
        mask = _mask(lungs.path)
        measured = Measured(
            name=lungs.name,
            lung_pixels=int(mask.sum()),
            pixel_height_mm=spacing[0] if spacing else None,
            pixel_width_mm=spacing[1] if spacing else None,
            spacing_from=film.film.spacing_from if film and film.film else None,
            remark=missing,
            lung_mm2=area_mm2(mask, spacing) if spacing else None,
            expected_dice=_said(lungs, EXPECTED_DICE),
            disagreement=_said(lungs, DISAGREEMENT),
        )
        if heart is not None:
            measured = _with_heart(measured, mask, _mask(heart.path), spacing)
        if self._options.dicom_sr and film is not None and film.source is not None:
            content = report_bytes(measured, film.source, self._certificates)
            self._folder.write(f"reports/{lungs.name}.dcm", content)
            self._reports += 1
        return measured

    def _film_of(self, mask: MaskFile) -> tuple[ImageFile | None, str]:
        """Read a film again, for the size of its pixels and whose it is; or say why not."""
        if mask.film is None:
            return None, ""
        whose: Identify = "image" if self._options.patient == "empty" else "patient"
        try:
            film = self._source.read_file(
                Path(mask.film), 1, requirements=ANY_FILM, identify=whose if self._options.dicom_sr else "nothing"
            )
        except PiggyganError as error:
            return None, f"Its film cannot be read again ({type(error).__name__}): millimetres are not known."
        if film.digest != mask.digest:
            return None, "Its film is not the one that was predicted any more: millimetres are not known."
        return film, ""


def _mask(path: Path) -> Bool[np.ndarray, "rows columns"]:
    return np.asarray(read_mask(path)[0] > 0)


def _said(mask: MaskFile, name: str) -> float | None:
    """Return a number that was found out about a mask when it was predicted."""
    found = next((one.value for one in mask.findings if one.name == name), None)
    return found if isinstance(found, float) else None


def _with_heart(
    measured: Measured,
    lungs: Bool[np.ndarray, "rows columns"],
    heart: Bool[np.ndarray, "rows columns"],
    spacing: tuple[float, float] | None,
) -> Measured:
    return replace(
        measured,
        heart_pixels=int(heart.sum()),
        heart_mm2=area_mm2(heart, spacing) if spacing else None,
        thoracic_width=thoracic_width(lungs),
        heart_width=heart_width(heart),
        cardiothoracic_ratio=cardiothoracic_ratio(lungs, heart),
    )
