"""Measurements as a DICOM Structured Report on the film they were made on (PS3.16 TID 1500)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from pydicom.sr.coding import Code

from piggygan.data.dicom.source import SourceImage
from piggygan.data.quiet import without_warnings
from piggygan.errors import PredictionError
from piggygan.prediction.dicom_identity import referred_image, says_another, write_identity
from piggygan.prediction.extras import medical
from piggygan.prediction.measurements import Measured
from piggygan.terminal.about import INTENDED_USE, __version__

_OWN_SCHEME = "99PIGGYGAN"
_LUNG, _HEART = Code("39607008", "SCT", "Lung"), Code("80891009", "SCT", "Heart")
_AREA = Code("42798000", "SCT", "Area")
_MM2 = Code("mm2", "UCUM", "square millimeter")
_PIXELS = Code("{pixels}", "UCUM", "pixels")
_RATIO = Code("{ratio}", "UCUM", "ratio")
_CARDIOTHORACIC = Code("cardiothoracic", _OWN_SCHEME, "Cardiothoracic ratio")
_CHEST_FILM = Code("399208008", "SCT", "Plain chest X-ray")
_DEVICE = Code("121007", "DCM", "Device")
_TITLE = Code("126000", "DCM", "Imaging Measurement Report")


@dataclass(frozen=True)
class Number:
    """A number as a report says it.

    Attributes:
        name: What it is of.
        value: The number.
        unit: Its unit.
        site: Which part of the body, if one.
    """

    name: Code
    value: float
    unit: Code
    site: Code | None = None


def numbers_of(measured: Measured) -> list[Number]:
    """List what a report says: areas in square millimetres where the film says how large pixels are, else in pixels."""
    found = []
    for site, pixels, mm2 in (
        (_LUNG, measured.lung_pixels, measured.lung_mm2),
        (_HEART, measured.heart_pixels, measured.heart_mm2),
    ):
        if mm2 is not None:
            found.append(Number(_AREA, round(mm2, 1), _MM2, site))
        elif pixels is not None:
            found.append(Number(_AREA, pixels, _PIXELS, site))
    if measured.cardiothoracic_ratio is not None:
        found.append(Number(_CARDIOTHORACIC, round(measured.cardiothoracic_ratio, 4), _RATIO))
    return found


def report_bytes(measured: Measured, source: SourceImage, certificates: str) -> bytes:
    """Make a DICOM file of measurements, preliminary and unverified, read it back, and compare.

    Args:
        measured: The numbers of one film.
        source: The film that they are of; the report names its patient if it does.
        certificates: Digests of the tensors of the tasks whose masks were measured.

    Raises:
        ConfigurationError: If highdicom is not installed.
        PredictionError: If highdicom refuses, or what it wrote does not say what it should.
    """
    highdicom = medical("highdicom", "A DICOM report")
    numbers = numbers_of(measured)
    try:
        with without_warnings():
            content = _written(highdicom, numbers, source, certificates)
            is_right = _said(highdicom, content) == [(one.name.meaning, one.value, one.unit.value) for one in numbers]
    except Exception as error:
        # What highdicom raises is no promise: only the kind is told.
        raise PredictionError(f"highdicom made no report of the measurements ({type(error).__name__}).") from error
    if not is_right or says_another(content, source):
        raise PredictionError("the DICOM report was read back and says something else; it is not written.")
    return content


def _written(highdicom: Any, numbers: list[Number], source: SourceImage, certificates: str) -> bytes:
    sr = highdicom.sr
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=highdicom.UID(),
        manufacturer_name="piggygan",
        model_name=f"piggygan {__version__}",
        serial_number=certificates or None,
    )
    image = sr.SourceImageForMeasurement(
        referenced_sop_class_uid=source.sop_class, referenced_sop_instance_uid=source.sop_instance
    )
    measurements = [
        sr.Measurement(
            name=one.name,
            value=one.value,
            unit=one.unit,
            finding_sites=None if one.site is None else [sr.FindingSite(anatomic_location=one.site)],
            referenced_images=[image],
        )
        for one in numbers
    ]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=highdicom.UID(), identifier="chest"), measurements=measurements
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_device_context=sr.ObserverContext(observer_type=_DEVICE, observer_identifying_attributes=device)
        ),
        procedure_reported=_CHEST_FILM,
        imaging_measurements=[group],
        title=_TITLE,
    )
    document = sr.ComprehensiveSR(
        evidence=[referred_image(source, 1, 1)],
        content=report,
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="piggygan",
        is_complete=False,
        is_final=False,
        series_description=INTENDED_USE,
    )
    write_identity(document, source)
    file = io.BytesIO()
    document.save_as(file)
    return file.getvalue()


def _said(highdicom: Any, content: bytes) -> list[tuple[str, float, str]]:
    found = highdicom.sr.srread(io.BytesIO(content)).content
    return [
        (one.name.meaning, float(one.value), one.unit.value)
        for group in found.get_image_measurement_groups()
        for one in group.get_measurements()
    ]
