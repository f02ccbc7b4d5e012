"""Workers give what one process gives; one that ends takes one film with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from piggygan.errors import PredictionError
from piggygan.prediction import PredictionOptions
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.ensemble import Ensemble
from piggygan.prediction.films import reading
from piggygan.prediction.findings import Finding
from piggygan.prediction.hired import Hired
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.making import Made, Maker
from piggygan.prediction.running import Network, outcomes_here
from piggygan.prediction.summary import PredictedFile, RefusedFile
from piggygan.prediction.workers import MOST, Workers, worker_count
from piggygan.registry import TaskRegistry

OPTIONS = PredictionOptions(size=32, disagreement=True)
JOB = Job(1, "mask", OPTIONS, Algorithm("lungs", "a" * 64, {}, None))


@pytest.fixture
def network(mirror_registry: TaskRegistry, make_mirror: Callable[..., nn.Module]) -> Network:
    return Network(Ensemble(mirror_registry.load(generator=make_mirror()), ["lungs", "lungs"], OPTIONS), OPTIONS)


@pytest.fixture
def files(tmp_path: Path) -> list[InputFile]:
    (tmp_path / "staging").mkdir()
    numbers = np.random.default_rng(0)
    for number in range(9):
        Image.fromarray(numbers.integers(0, 256, (20, 30), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "4.png").write_bytes(b"no picture")
    return [InputFile(tmp_path / f"{number}.png", str(number), may_be_dicom=False) for number in range(9)]


def told(outcome: Made | RefusedFile) -> PredictedFile | RefusedFile:
    return outcome.record.file if isinstance(outcome, Made) else outcome


def test_two_workers_give_what_one_process_gives(network: Network, files: list[InputFile], tmp_path: Path) -> None:
    with reading(OPTIONS) as source:
        here = [told(one) for one in outcomes_here(files, Maker(JOB, source, tmp_path / "staging"), network, 1)]
    team = Workers(JOB, tmp_path / "staging", 2, iter(files))
    found = [told(one) for one in team.outcomes(network, 4)]
    assert sorted(found, key=lambda file: file.source) == here
    assert [type(one) for one in here].count(RefusedFile) == 1


def test_a_worker_that_ends_takes_its_film_with_it_and_no_other(
    network: Network, files: list[InputFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, make, deaths = Hired.order_film, Hired.make, list[int]()

    def deadly_order(self: Hired, file: InputFile) -> int:
        if file.name == "6":
            self._wait_until_ready()
            self.end()  # before the order: after it a fast process may have answered
        return order(self, file)

    def deadly_make(
        self: Hired, film: int, output: torch.Tensor, findings: tuple[Finding, ...] = ()
    ) -> Made | RefusedFile:
        if film == 2 and not deaths:
            deaths.append(film)
            self.end()
        return make(self, film, output, findings)

    monkeypatch.setattr(Hired, "order_film", deadly_order)
    monkeypatch.setattr(Hired, "make", deadly_make)
    found = [told(one) for one in Workers(JOB, tmp_path / "staging", 1, iter(files)).outcomes(network, 1)]
    refused = {Path(one.source).stem: one.error for one in found if isinstance(one, RefusedFile)}
    assert refused == {"1": "DecoderCrashError", "4": "ImageError", "6": "DecoderCrashError"}
    assert sorted(Path(one.source).stem for one in found) == list("012345678")


def test_what_goes_wrong_while_films_are_looked_for_ends_all(
    network: Network, files: list[InputFile], tmp_path: Path
) -> None:
    def failing() -> Iterator[InputFile]:
        yield files[0]
        raise PredictionError("no room")

    team = Workers(JOB, tmp_path / "staging", 1, failing())
    with pytest.raises(PredictionError, match="no room"):
        list(team.outcomes(network, 1))
    assert not any(thread.is_alive() for thread in team._threads)


def test_whoever_stops_listening_ends_the_processes(network: Network, files: list[InputFile], tmp_path: Path) -> None:
    team = Workers(JOB, tmp_path / "staging", 1, iter(files))
    outcomes = team.outcomes(network, 1)
    next(outcomes)
    outcomes.close()
    assert not any(thread.is_alive() for thread in team._threads)
    assert team._hired == set()


def test_few_films_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 99)
    assert (worker_count(31), worker_count(32)) == (0, MOST)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert worker_count(10**6) == 1
