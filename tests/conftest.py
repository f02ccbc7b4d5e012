"""What all tests share."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from torch import Tensor
from torch.utils._device import DeviceContext

CLOCK = time.monotonic
PLANTED = "Plantagenet"
"""The name of the patient of every film that is written for a test."""

# The first example pays for imports and warm-up, and shared machines stutter: a deadline would measure those.
settings.register_profile("piggygan", deadline=None, derandomize=True)
settings.load_profile("piggygan")


class Unpickling:
    """Watches every unpickling of a class in this process: a pickle that nobody vouches for can run programs.

    An audit hook cannot be taken away again, so there is one, which only looks while a test runs that is not exempt.
    """

    def __init__(self) -> None:
        self.watched: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "pickle.find_class" and self.watched is not None:
            self.seen.append(f"{self.watched} unpickled {'.'.join(map(str, arguments))}")


UNPICKLING = pytest.StashKey[Unpickling]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="make all tensors and modules of the tests there: cpu or cuda")
    parser.addoption(
        "--regenerate", action="store_true", help="write the golden files anew; read the diff before commit"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in ``golden`` beside the test; ``--regenerate`` writes it."""

    def compare(name: str, text: str) -> None:
        path = request.path.parent / "golden" / name
        if request.config.getoption("--regenerate"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name} changed: if so meant, run once with --regenerate"

    return compare


class Elsewhere(DeviceContext):
    """Makes tensors on another device; random numbers of a generator are drawn on the generator's own, and go over."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        generator = (kwargs or {}).get("generator")
        if generator is None or (kwargs or {}).get("device") is not None:
            return super().__torch_function__(func, types, args, kwargs)
        made = func(*args, **{**kwargs, "device": generator.device})
        return made.to(self.device)


@pytest.fixture(autouse=True)
def on_chosen_device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a test's promises on another device: what it makes without saying where is made there."""
    device = request.config.getoption("--device")
    if device == "cpu":
        yield
        return
    numpy = Tensor.numpy
    monkeypatch.setattr(Tensor, "numpy", lambda self, **options: numpy(self.cpu(), **options))
    with Elsewhere(device):
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.stash[UNPICKLING] = Unpickling()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Watch a test with its fixtures, unless it is marked as one that gets objects back from its own processes.

    The import of pickled checkpoints needs no exemption: torch reads them without Python's unpickler.
    """
    watch = item.config.stash[UNPICKLING]
    watch.watched = None if item.get_closest_marker("unpickles") else item.nodeid
    try:
        return (yield)
    finally:
        watch.watched = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that replaces the clock of the process: a server in another thread then sleeps until tomorrow."""
    result = yield
    if time.monotonic is not CLOCK:
        pytest.fail(
            f"{item.nodeid} replaces time.monotonic for every thread: replace `time` in the module that asks it"
        )
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[UNPICKLING].seen and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in dict.fromkeys(config.stash[UNPICKLING].seen):
        terminalreporter.write_line(f"H1: {line}", red=True)
    told = [entry for report in terminalreporter.getreports("passed") for entry in report.user_properties]
    fuzzed = [value for name, value in told if name == "fuzzed"]
    for name in dict.fromkeys(name for name, *_ in fuzzed):
        cases, seconds, slowest = zip(*(numbers for of, *numbers in fuzzed if of == name), strict=True)
        terminalreporter.write_line(
            f"fuzzed: {sum(cases):7,} {name} in {sum(seconds):.0f} s, the slowest in {max(slowest):.2f} s; all held"
        )
    if fuzzed:
        terminalreporter.write_line(f"fuzzed: {sum(cases for _, cases, *_ in fuzzed):7,} in all")


@pytest.fixture(scope="session")
def write_film() -> Callable[..., Path]:
    """Write a DICOM film of a patient with a conspicuous name; keywords set attributes, None takes one out."""

    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

    def write(path: Path, pixels: np.ndarray[Any, Any], **attributes: Any) -> Path:
        film = Dataset()
        film.file_meta = FileMetaDataset()
        film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        film.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
        film.SOPClassUID = ComputedRadiographyImageStorage
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
        film.Modality, film.BodyPartExamined = "CR", "CHEST"
        for keyword in (
            "PatientName", "PatientID", "OtherPatientNames", "InstitutionName", "ReferringPhysicianName",
            "OperatorsName", "AccessionNumber", "StudyDescription", "SeriesDescription", "PatientComments",
            "PatientAddress", "StudyID", "StationName", "ProtocolName", "RequestingPhysician", "ImageComments",
        ):  # fmt: skip
            setattr(film, keyword, PLANTED)
        film.PatientBirthDate, film.PatientSex, film.PatientAge = "18991231", "O", "127Y"
        film.StudyDate, film.StudyTime = "18991230", "235959"
        film.private_block(0x0099, PLANTED, create=True).add_new(1, "LO", PLANTED)
        film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
        film.Rows, film.Columns = pixels.shape
        film.BitsAllocated = film.BitsStored = 8 * pixels.dtype.itemsize
        film.PixelRepresentation = 0
        data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
        film.PixelData = data + b"\0" * (len(data) % 2)
        film["PixelData"].VR = "OW"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong in a film is meant
            for keyword, value in attributes.items():
                if value is None:
                    delattr(film, keyword)
                else:
                    setattr(film, keyword, value)
            film.HighBit = film.BitsStored - 1
            film.save_as(path, enforce_file_format=True)
        return path

    return write
