"""How fast DICOM films are read, against what pydicom needs for their bare stored values.

    python -m benchmarks.speed.reading --out docs/benchmarks

Films are drawn, written to files and read again from the system's cache. pydicom's ``pixel_array`` is the least that
any reader has to do; ours also checks, windows, and makes numbers of 0 to 1 in 32 bits. Two threads read different
files beside each other.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import torch
import tyro
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from benchmarks.reporting import Rows
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import paired
from piggygan.data import UntrustedReader, read_dicom

KINDS = {
    "8 bits": (8, ExplicitVRLittleEndian, False),
    "12 bits, window": (12, ExplicitVRLittleEndian, True),
    "12 bits, percentiles": (12, ExplicitVRLittleEndian, False),
    "12 bits, window, RLE": (12, RLELossless, True),
    "12 bits, window, JPEG 2000": (12, JPEG2000Lossless, True),
}
"""Bits, transfer syntax, and whether the file has a window."""


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line; networks and batches have no meaning here."""

    sides: tuple[int, ...] = (1024, 2500)
    """Rows and columns of the films."""
    films: int = 4
    """Files that are read in a turn."""
    seconds: float = 10.0
    """How long to measure each kind."""


def main(options: Options) -> None:
    """Measure every kind and report."""
    run("reading", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Read every kind of film in every way."""
    rows: Rows = []
    with TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool, UntrustedReader() as reader:
        for side in options.sides:
            for kind in KINDS:
                with attempt(f"{kind}, {side} px", skipped):
                    paths = write_films(Path(folder), kind, side, options.films)
                    contenders = ways_to_read(paths, pool, reader)
                    timings = paired(
                        contenders, reference="pydicom", device=torch.device("cpu"), seconds=options.seconds
                    )
                    rows += [
                        {
                            "film": f"{kind}, {side} px",
                            "reader": name,
                            "films / s": 1e3 * options.films / timing.milliseconds,
                            "/ pydicom": timing.ratio,
                            "from": timing.low,
                            "to": timing.high,
                            "rounds": timing.rounds,
                        }
                        for name, timing in timings.items()
                    ]
    return rows


def ways_to_read(
    paths: list[Path], pool: ThreadPoolExecutor, reader: UntrustedReader
) -> dict[str, Callable[[], object]]:
    """Return what is timed: each reads all files."""
    return {
        "pydicom": lambda: [pydicom.dcmread(path).pixel_array for path in paths],
        "piggygan": lambda: [read_dicom(path) for path in paths],
        "piggygan, two threads": lambda: list(pool.map(read_dicom, paths)),
        "piggygan, process apart": lambda: [reader.read(path, 1) for path in paths],
    }


def write_films(folder: Path, kind: str, side: int, count: int) -> list[Path]:
    """Draw films, smooth as films are, with noise as films have it, so that they compress as films do."""
    bits, syntax, has_window = KINDS[kind]
    random = np.random.default_rng(0)
    curve = np.sin(np.linspace(0, 9, side))
    paths = []
    for number in range(count):
        picture = (curve[:, None] * curve[None, :] + 1) * 0.45 * 2**bits + random.normal(
            0, 2 ** (bits - 8), (side, side)
        )
        pixels = picture.clip(0, 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16)
        film = Dataset()
        film.file_meta = FileMetaDataset()
        film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        film.SOPClassUID, film.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", f"1.2.3.{number}"
        film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
        film.Rows = film.Columns = side
        film.BitsAllocated, film.BitsStored, film.HighBit = 8 * pixels.itemsize, bits, bits - 1
        film.PixelRepresentation = 0
        if has_window:
            film.WindowCenter, film.WindowWidth = 2 ** (bits - 1), 2**bits
        film.PixelData = pixels.tobytes()
        film["PixelData"].VR = "OW"
        if syntax != ExplicitVRLittleEndian:
            film.compress(syntax, generate_instance_uid=False)
        paths.append(folder / f"{number}.dcm")
        film.save_as(paths[-1], enforce_file_format=True)
    return paths


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
