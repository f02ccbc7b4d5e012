"""Films are read in every way, and each way gives the same picture."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from benchmarks.speed import reading
from piggygan.data import UntrustedReader, read_dicom


def test_every_kind_of_film_is_read_in_every_way(tmp_path: Path) -> None:
    reading.main(reading.Options(sides=(40,), films=1, seconds=0.0, out=tmp_path))
    found = json.loads((tmp_path / "reading_cpu_fp32.json").read_text(encoding="utf-8"))
    assert found["not_run"] == []
    assert len(found["rows"]) == len(reading.KINDS) * 4
    assert all(row["films / s"] > 0 for row in found["rows"])


@pytest.mark.parametrize("kind", reading.KINDS)
def test_the_films_are_readable_and_the_ways_agree(tmp_path: Path, kind: str) -> None:
    paths = reading.write_films(tmp_path, kind, 40, 2)
    with ThreadPoolExecutor(1) as pool, UntrustedReader() as reader:
        ways = reading.ways_to_read(paths, pool, reader)
        here, threads, apart = (ways[name]() for name in list(ways)[1:])
    for ours, other, away in zip(here, threads, apart, strict=True):  # type: ignore[call-overload]
        assert torch.equal(ours, other)
        assert torch.allclose((away + 1) / 2, ours, atol=1e-6)
    assert float(read_dicom(paths[0]).std()) > 0.05
