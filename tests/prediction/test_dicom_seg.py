"""DICOM Segmentations: the mask to the bit, on its source, of a named algorithm, in its patient and study."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from piggygan.data.dicom.identity import PATIENT, STUDY
from piggygan.data.dicom.source import SourceImage
from piggygan.errors import ConfigurationError, PredictionError
from piggygan.prediction import dicom_seg
from piggygan.prediction.dicom_seg import Algorithm, segmentation_bytes
from piggygan.terminal.about import INTENDED_USE

pytest.importorskip("highdicom")

SOURCE = SourceImage("1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", "1.2.3", "1.2.3.5")
ALGORITHM = Algorithm("lungs", "ab" * 32, {"size": "256", "fit": "stretch"})


def ragged(rows: int, columns: int) -> np.ndarray:
    """Draw a mask without any symmetry, so that no turned or shifted one equals it."""
    return np.random.default_rng(0).random((rows, columns)) > 0.6


def bits(content: bytes) -> np.ndarray:
    """Unpack the frame by hand (PS3.5 section 8.1.1): eight pixels a byte, the first in the lowest bit."""
    segmentation = pydicom.dcmread(io.BytesIO(content))
    rows, columns = segmentation.Rows, segmentation.Columns
    flat = np.unpackbits(np.frombuffer(segmentation.PixelData, np.uint8), bitorder="little")
    return flat[: rows * columns].reshape(rows, columns).astype(bool)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 64), (61, 107)])
def test_the_pixels_are_the_mask(size: tuple[int, int]) -> None:
    for mask in (ragged(*size), np.zeros(size, dtype=bool), np.ones(size, dtype=bool)):
        assert np.array_equal(bits(segmentation_bytes(mask, SOURCE, ALGORITHM)), mask)


def test_it_refers_to_its_source_and_says_what_made_it() -> None:
    found = pydicom.dcmread(io.BytesIO(segmentation_bytes(ragged(8, 9), SOURCE, ALGORITHM)))
    assert found.StudyInstanceUID == SOURCE.study
    assert found.SeriesInstanceUID not in (SOURCE.series, "")
    (series,) = found.ReferencedSeriesSequence
    (instance,) = series.ReferencedInstanceSequence
    assert (series.SeriesInstanceUID, instance.ReferencedSOPInstanceUID) == (SOURCE.series, SOURCE.sop_instance)
    assert instance.ReferencedSOPClassUID == SOURCE.sop_class
    (frame,) = found.PerFrameFunctionalGroupsSequence
    (origin,) = frame.DerivationImageSequence[0].SourceImageSequence
    assert (origin.ReferencedSOPInstanceUID, origin.SpatialLocationsPreserved) == (SOURCE.sop_instance, "YES")
    (segment,) = found.SegmentSequence
    assert (segment.SegmentLabel, segment.SegmentAlgorithmType) == ("lungs", "AUTOMATIC")
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "39607008"
    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert f"certificate={ALGORITHM.certificate}" in algorithm.AlgorithmParameters
    assert "fit=stretch" in algorithm.AlgorithmParameters
    assert found.DeviceSerialNumber == ALGORITHM.certificate
    assert found.ContentDescription == INTENDED_USE


def test_b23_of_an_unknown_patient_there_are_only_the_empty_elements_that_the_standard_wants() -> None:
    found = pydicom.dcmread(io.BytesIO(segmentation_bytes(ragged(8, 9), SOURCE, ALGORITHM)))
    assert all(keyword in found and found[keyword].is_empty for keyword in (*PATIENT, *STUDY))
    of_the_patient = {element.keyword for element in found if element.tag.group == 0x0010}
    assert of_the_patient == {"PatientName", "PatientID", "PatientBirthDate", "PatientSex"}


def test_it_lies_in_a_plane_for_a_viewer_that_needs_one_and_else_in_none() -> None:
    contents = [segmentation_bytes(ragged(8, 9), SOURCE, ALGORITHM, plane) for plane in (None, (0.2, 1 / 7))]
    plain, laid = (pydicom.dcmread(io.BytesIO(content)) for content in contents)
    assert "PlaneOrientationSequence" not in plain.SharedFunctionalGroupsSequence[0]
    (shared,) = laid.SharedFunctionalGroupsSequence
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [0.2, 0.142857]
    assert all(np.array_equal(bits(content), ragged(8, 9)) for content in contents)


def test_two_segmentations_of_one_film_are_two_objects() -> None:
    one, other = (pydicom.dcmread(io.BytesIO(segmentation_bytes(ragged(4, 4), SOURCE, ALGORITHM))) for _ in range(2))
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.SeriesInstanceUID != other.SeriesInstanceUID


@pytest.mark.parametrize("task", ["hands", "a" * 64, "9-_x"])
def test_other_tasks_are_coded_by_their_own_name(task: str) -> None:
    algorithm = Algorithm(task, "cd" * 32, {})
    found = pydicom.dcmread(io.BytesIO(segmentation_bytes(ragged(4, 4), SOURCE, algorithm)))
    (code,) = found.SegmentSequence[0].SegmentedPropertyTypeCodeSequence
    assert (code.CodeMeaning, code.CodingSchemeDesignator) == (task, "99PIGGYGAN")
    assert len(code.CodeValue) <= 16
    assert found.SegmentSequence[0].SegmentAlgorithmName.endswith("cd" * 8)


def test_an_image_class_that_is_none_is_refused_by_kind_alone() -> None:
    strange = SourceImage("1.2.3.4.5", "1.2.3.4", "1.2.3", "1.2.3.5")
    with pytest.raises(PredictionError, match="highdicom made no segmentation"):
        segmentation_bytes(ragged(4, 4), strange, ALGORITHM)


@pytest.mark.parametrize("fault", ["mask", "study", "series", "algorithm", "patient"])
def test_what_was_not_written_as_meant_is_not_handed_out(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    mask, written = ragged(8, 8), dicom_seg._written

    def falsified(highdicom, mask, source, algorithm, plane):  # type: ignore[no-untyped-def]
        if fault == "mask":
            mask = mask.T
        if fault == "study":
            source = SourceImage(source.sop_class, source.sop_instance, "1.9", source.series)
        if fault == "series":
            source = SourceImage(source.sop_class, source.sop_instance, source.study, "1.9")
        if fault == "algorithm":
            algorithm = Algorithm("lungs", "ef" * 32, {})
        content = written(highdicom, mask, source, algorithm, plane)
        if fault == "patient":
            dataset = pydicom.dcmread(io.BytesIO(content))
            dataset.PatientName = "Plantagenet"
            file = io.BytesIO()
            dataset.save_as(file)
            content = file.getvalue()
        return content

    monkeypatch.setattr(dicom_seg, "_written", falsified)
    with pytest.raises(PredictionError, match="read back") as caught:
        segmentation_bytes(mask, SOURCE, ALGORITHM)
    assert "Plantagenet" not in str(caught.value)


def test_without_highdicom_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ConfigurationError, match=r"highdicom: pip install 'piggygan\[medical\]'"):
        segmentation_bytes(ragged(4, 4), SOURCE, ALGORITHM)


def test_dcmtk_reads_the_same_pixels_and_references(tmp_path: Path) -> None:
    if (dcmdump := shutil.which("dcmdump")) is None:
        pytest.skip("dcmdump (Debian's dcmtk) is not installed")
    mask = ragged(61, 107)
    path = tmp_path / "mask.dcm"
    path.write_bytes(segmentation_bytes(mask, SOURCE, ALGORITHM))
    printed = subprocess.run([dcmdump, "-q", "+W", tmp_path, path], capture_output=True, text=True, check=True)
    assert not printed.stderr
    assert f"[{SOURCE.sop_instance}]" in printed.stdout
    assert "=SegmentationStorage" in printed.stdout
    assert "[piggygan lungs]" in printed.stdout
    (raw,) = tmp_path.glob("*.raw")
    flat = np.unpackbits(np.frombuffer(raw.read_bytes(), np.uint8), bitorder="little")
    assert np.array_equal(flat[: mask.size].reshape(mask.shape).astype(bool), mask)
