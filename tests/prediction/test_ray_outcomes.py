"""Films predicted by tasks of Ray: the bytes of one process, whoever dies."""

from __future__ import annotations

import json
import os
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.errors import ConfigurationError, PredictionError
from piggygan.prediction import PredictionOptions, PredictionSummary
from piggygan.prediction import ray_outcomes as ray_outcomes_module
from piggygan.prediction.folder import JOURNAL, STAGING
from piggygan.registry import TaskRegistry
from tests.prediction.fake_ray import FakeRay

SMALL = PredictionOptions(size=32)


def draw(folder: Path, count: int) -> Path:
    """Draw films of noise in folders below a folder, and one that is none."""
    numbers = np.random.default_rng(count)
    for number in range(count):
        place = folder / f"{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.integers(0, 256, (20, 30), dtype=np.uint8)).save(place / f"{number}.png")
    (folder / "0/broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return draw(tmp_path / "films", 11)


def predict(registry: TaskRegistry, films: Path, out: Path, **named: Any) -> PredictionSummary:
    return pg.predict(registry, "lungs", films, out, SMALL, recursive=True, **named)


def outputs(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("*/**/*") if path.is_file()}


def lasting(summary: PredictionSummary) -> PredictionSummary:
    """Leave out when it was, which is all that may differ."""
    return replace(summary, runs=())


@pytest.fixture
def on_fake_ray(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeRay]:
    def on(*arguments: Any, **named: Any) -> FakeRay:
        fake = FakeRay(*arguments, **named)
        monkeypatch.setattr("piggygan.prediction.predicting.ray_cluster", fake.cluster)
        return fake

    return on


@pytest.mark.usefixtures("_one_thread")
def test_tasks_make_what_one_process_makes_and_the_journal_is_kept_here(
    registry: TaskRegistry, films: Path, tmp_path: Path, on_fake_ray: Callable[..., FakeRay]
) -> None:
    alone = predict(registry, films, tmp_path / "alone", workers=0)
    ray = on_fake_ray()
    summary = predict(registry, films, tmp_path / "by ray", engine="ray")
    assert lasting(summary) == lasting(alone)
    assert outputs(tmp_path / "by ray") == outputs(tmp_path / "alone")
    assert len(summary.predicted) == 11
    assert [len(films) for _, films in ray.called] == [3, 3, 3, 3]
    assert ray.options["max_retries"] > 0
    (run,) = summary.runs
    assert (run.threads, run.workers) == (1, 0)
    assert not (tmp_path / "by ray" / STAGING).exists()
    # The same again has nothing to do but the film that is none.
    again = predict(registry, films, tmp_path / "by ray", engine="ray")
    assert lasting(again) == lasting(alone)
    assert [len(films) for _, films in ray.called[4:]] == [1]


def test_the_film_that_a_process_dies_of_costs_itself(
    registry: TaskRegistry, films: Path, tmp_path: Path, on_fake_ray: Callable[..., FakeRay]
) -> None:
    on_fake_ray(lambda _, films: any(file.path.name == "7.png" for file in films))
    summary = predict(registry, films, tmp_path / "out", engine="ray")
    assert len(summary.predicted) == 10
    assert [(Path(file.source).name, file.error) for file in summary.refused] == [
        ("broken.png", "ImageError"),
        ("7.png", "DecoderCrashError"),
    ]
    on_fake_ray()
    assert len(predict(registry, films, tmp_path / "out", engine="ray").predicted) == 11


def test_a_machine_with_other_versions_stops_the_run_and_says_so(
    registry: TaskRegistry, films: Path, tmp_path: Path, on_fake_ray: Callable[..., FakeRay], monkeypatch: Any
) -> None:
    on_fake_ray()
    said = iter(["piggygan 1, torch 2"])
    monkeypatch.setattr(ray_outcomes_module, "_versions", lambda: next(said, "piggygan 1, torch 3"))
    with pytest.raises(PredictionError, match=r"has piggygan 1, torch 3, and the one that asks piggygan 1, torch 2"):
        predict(registry, films, tmp_path / "out", engine="ray")
    assert not (tmp_path / "out").exists()


def test_a_task_that_became_another_meanwhile_stops_the_run(
    registry: TaskRegistry, films: Path, tmp_path: Path, on_fake_ray: Callable[..., FakeRay], monkeypatch: Any
) -> None:
    on_fake_ray()
    load = ray_outcomes_module.load_network
    facades = lambda held, _, *rest: load(held, ("facades",), *rest)  # noqa: E731
    monkeypatch.setattr(ray_outcomes_module, "load_network", facades)
    with pytest.raises(PredictionError, match="holds another 'lungs' now"):
        predict(registry, films, tmp_path / "out", engine="ray")


def test_what_fails_in_a_task_is_no_film_s_fault(
    registry: TaskRegistry, films: Path, tmp_path: Path, on_fake_ray: Callable[..., FakeRay], monkeypatch: Any
) -> None:
    on_fake_ray()

    def fail(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'piggygan'")

    monkeypatch.setattr(ray_outcomes_module, "load_network", fail)
    with pytest.raises(PredictionError, match="is piggygan installed on every machine"):
        predict(registry, films, tmp_path / "out", engine="ray")


def test_workers_and_generators_are_not_for_ray(registry: TaskRegistry, films: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leave workers out"):
        predict(registry, films, tmp_path / "out", engine="ray", workers=2)
    with pytest.raises(ConfigurationError, match="a generator of your own cannot be sent to Ray"):
        predict(registry, films, tmp_path / "out", engine="ray", generator=torch.nn.Identity())
    with pytest.raises(ConfigurationError, match="engine is 'spark'; there are here and ray"):
        predict(registry, films, tmp_path / "out", engine="spark")


@pytest.fixture
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.unpickles
@pytest.mark.usefixtures("_one_thread")
@pytest.mark.parametrize("count", [int(os.environ.get("PIGGYGAN_RAY_FILMS", "200"))])
def test_a_node_that_is_killed_costs_no_film_and_no_byte(
    registry: TaskRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    for patience in ("raylet_start_wait_time_s", "worker_register_timeout_seconds"):
        monkeypatch.setenv(f"RAY_{patience}", "600")  # a machine that others use may take minutes
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster_utils = pytest.importorskip("ray.cluster_utils", reason="pip install 'piggygan[ray]'")
    warnings.simplefilter("ignore")  # of Ray's own
    films = draw(tmp_path / "films", count)
    alone = predict(registry, films, tmp_path / "alone", workers=0)
    store = {"object_store_memory": 100 * 2**20, "num_cpus": 1}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={**store, "include_dashboard": False})
    journal = tmp_path / "out" / JOURNAL
    seen = []

    def kill_a_node() -> None:
        while not seen or seen[-1] < count // 4:
            seen.append(journal.read_bytes().count(b'"predicted"') if journal.exists() else 0)
            time.sleep(0.02)
        cluster.remove_node(second, allow_graceful=False)

    try:
        second = cluster.add_node(**store)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        killer = threading.Thread(target=kill_a_node)
        killer.start()
        summary = predict(registry, films, tmp_path / "out", engine="ray")
        killer.join()
    finally:
        cluster.shutdown()
    assert count // 4 <= seen[-1] < count
    assert lasting(summary) == lasting(alone)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    made = [line["file"]["source"] for line in lines if line["record"] == "predicted"]
    assert len(made) == len(set(made)) == count
