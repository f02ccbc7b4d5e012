"""A mask as a DICOM Segmentation that refers to the image it was made of, in its patient and study (PS3.3 A.51)."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from piggygan.data.dicom.source import SourceImage
from piggygan.data.quiet import without_warnings
from piggygan.errors import PredictionError
from piggygan.layers.tasks import version_of
from piggygan.prediction.dicom_identity import identity_digest, referred_image, says_another, write_identity
from piggygan.prediction.extras import medical
from piggygan.prediction.reproducible import make_reproducible
from piggygan.terminal.about import INTENDED_USE, __version__

if TYPE_CHECKING:
    from jaxtyping import Bool

Spacing = tuple[float, float]
_ANATOMY = Code("123037004", "SCT", "Anatomical structure")
_CONCEPT = Code("309825002", "SCT", "Spatial and Relational Concept")
_LUNG = Code("39607008", "SCT", "Lung")
_LUNG_TASKS = ("lung", "lungs")
_ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
_OWN_SCHEME = "99PIGGYGAN"  # the standard leaves names that begin with 99 to everybody


@dataclass(frozen=True)
class Algorithm:
    """What made a mask.

    Attributes:
        task: Name of the task.
        certificate: Digest of its tensors, as the registry certifies it.
        settings: How it was applied, by name.
        moment: When the prediction began, ISO 8601 with an offset: then files of one mask are the same byte for byte.
            None: each has the time at which it was made, and identifiers of its own.
    """

    task: str
    certificate: str
    settings: dict[str, str]
    moment: str | None = None


def segmentation_bytes(
    mask: Bool[np.ndarray, "rows columns"], source: SourceImage, algorithm: Algorithm, plane: Spacing | None = None
) -> bytes:
    """Make a DICOM file of a mask, one segment in one frame, read it back, and compare.

    Nothing of the source is taken over but its identifiers and, if it is known, its identity.

    Args:
        mask: With the source's own rows and columns.
        source: The image that it is of.
        algorithm: What made it.
        plane: Height and width of a pixel in millimetres, for viewers that show nothing that lies in no plane.

    Raises:
        ConfigurationError: If highdicom is not installed.
        PredictionError: If highdicom refuses, or what it wrote is not the mask or does not refer to the source.
    """
    highdicom = medical("highdicom", "A DICOM segmentation")
    try:
        with without_warnings():
            content = _written(highdicom, mask, source, algorithm, plane)
            problem = _difference(highdicom, content, mask, source, algorithm)
    except Exception as error:
        # What highdicom raises is no promise: only the kind is told.
        raise PredictionError(f"highdicom made no segmentation of the mask ({type(error).__name__}).") from error
    if problem is not None:
        raise PredictionError(f"the DICOM segmentation was read back and {problem}; it is not written.")
    return content


def _written(
    highdicom: Any,
    mask: Bool[np.ndarray, "rows columns"],
    source: SourceImage,
    algorithm: Algorithm,
    plane: Spacing | None,
) -> bytes:
    rows, columns = mask.shape
    segmentation = highdicom.seg.Segmentation(
        source_images=[referred_image(source, rows, columns)],
        pixel_array=mask,
        segmentation_type="BINARY",
        segment_descriptions=[_segment(highdicom, algorithm)],
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="piggygan",
        manufacturer_model_name=f"piggygan {algorithm.task}"[:64],
        software_versions=__version__,
        # The serial number of the network: the one thing that tells it from every other one.
        device_serial_number=algorithm.certificate,
        content_label="SEGMENTATION",
        content_description=INTENDED_USE,
        series_description=f"Segmentation: {algorithm.task}"[:64],
        omit_empty_frames=False,
    )
    if plane is not None:
        _lay_in_a_plane(segmentation, plane)
    if algorithm.moment is not None:
        given = (value for value in vars(source).values() if isinstance(value, str))
        make_reproducible(segmentation, algorithm.moment, given, beside=identity_digest(source))
    # Last: whoever looks at an element after this decodes it, and its bytes may then be others than the film's.
    write_identity(segmentation, source)
    file = io.BytesIO()
    segmentation.save_as(file)
    return file.getvalue()


def _lay_in_a_plane(segmentation: Dataset, spacing: Spacing) -> None:
    """Write the two functional groups that OHIF reads first (C.7.6.16.2.1 and .4), as OHIF assumes them of the film."""
    (shared,) = segmentation.SharedFunctionalGroupsSequence
    measures, plane = Dataset(), Dataset()
    measures.PixelSpacing = [round(side, 6) for side in spacing]
    measures.SliceThickness = 1.0  # a shadow has none, and highdicom reads no measures without
    shared.PixelMeasuresSequence = [measures]
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PlaneOrientationSequence = [plane]


def _segment(highdicom: Any, algorithm: Algorithm) -> Any:
    category, kind = _codes(algorithm.task)
    return highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label=algorithm.task,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=_algorithm_name(algorithm),
            family=_ARTIFICIAL_INTELLIGENCE,
            version=__version__,
            source="piggygan",
            parameters={"certificate": algorithm.certificate, **algorithm.settings},
        ),
    )


def _algorithm_name(algorithm: Algorithm) -> str:
    """Name the algorithm in the 64 letters there are, so that two trainings of one task have two names."""
    return f"{algorithm.task[:46]} {algorithm.certificate[:16]}"


def _codes(task: str) -> tuple[Code, Code]:
    """Say what is segmented: in the words of SNOMED where piggygan knows them, else by the task's own name."""
    if version_of(task)[0] in _LUNG_TASKS:
        return _ANATOMY, _LUNG
    return _CONCEPT, Code(hashlib.sha256(task.encode()).hexdigest()[:16], _OWN_SCHEME, task)


def _difference(
    highdicom: Any, content: bytes, mask: Bool[np.ndarray, "rows columns"], source: SourceImage, algorithm: Algorithm
) -> str | None:
    """Say what of a written segmentation is not as it was meant; None: nothing."""
    is_another = says_another(content, source)
    found = highdicom.seg.segread(io.BytesIO(content))
    frames = found.get_pixels_by_source_instance([source.sop_instance], combine_segments=False)
    (segment,) = found.SegmentSequence
    (series,) = found.ReferencedSeriesSequence
    checks = {
        "is not the mask": frames.shape == (1, *mask.shape, 1) and np.array_equal(frames[0, :, :, 0] > 0, mask),
        "is of another patient or study": not is_another,
        "refers to another series": series.SeriesInstanceUID == source.series,
        "does not name its algorithm": segment.SegmentAlgorithmName == _algorithm_name(algorithm)
        and found.DeviceSerialNumber == algorithm.certificate,
    }
    return next((problem for problem, is_right in checks.items() if not is_right), None)
