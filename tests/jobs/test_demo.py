"""The demo: generated data, two tasks, fine-tuning beside them, and a page; a stop costs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.jobs import demo
from piggygan.jobs.demo import DemoScale, run_demo

TINY = DemoScale(size=32, width=2, facades=4, facades_kept_back=2, films=9, epochs=1, lungs_epochs=1)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    run_demo(folder, TINY, progress=False)
    return folder


def test_both_tasks_are_proven_and_fine_tuning_stands_beside_them(shown: Path) -> None:
    said: list[str] = []
    found = run_demo(shown, TINY, progress=False, tell=said.append)
    assert said == []  # all is done
    registry = pg.TaskRegistry(shown / "registry")
    assert registry.tasks == ("facades", "lungs")
    assert registry.verify().is_sound
    assert found.fine_tuning.earlier["facades"].same_bytes
    lines = str(found).splitlines()
    (kept,) = (line for line in lines if line.startswith("facades after lungs: piggygan"))
    assert kept.endswith("the same bytes as before")
    page = found.page.read_text()
    assert found.page == shown / "report.html"
    assert "facades (test side), when lungs was learned: piggygan gives the same bytes as before" in page
    assert 'src="http' not in page


def test_what_was_not_learned_is_called_so(shown: Path) -> None:
    found = run_demo(shown, TINY, progress=False)
    assert found.facades.is_learned is False
    assert str(found).splitlines()[0].startswith("facades: NOT LEARNED: l1 ")


def test_the_films_kept_back_are_those_that_nothing_was_learned_from(shown: Path) -> None:
    used = json.loads((shown / "tasks/lungs/splits.json").read_text())
    assert len(used["test"]) == 3
    assert not set(used["test"]) & {*used["train"], *used["val"]}


@pytest.mark.parametrize("stage", ["write_xrays", "train_task", "compare_task", "write_registry_page"])
def test_a_stop_at_any_stage_costs_nothing(
    stage: str, shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(BaseException):
        pass

    def stopped(*_: object, **__: object) -> None:
        raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(demo, stage, stopped)
        with pytest.raises(Stop):
            run_demo(tmp_path / "demo", TINY, progress=False)
    run_demo(tmp_path / "demo", TINY, progress=False)
    for part in ("data", "registry/tasks"):
        assert bytes_of(tmp_path / "demo" / part) == bytes_of(shown / part)


def test_a_folder_of_something_else_is_refused_and_left_alone(shown: Path, tmp_path: Path, run_folder: Path) -> None:
    before = bytes_of(shown)
    with pytest.raises(ConfigurationError, match="holds a demo of another scale, --quick or not"):
        run_demo(shown, demo.QUICK)
    assert bytes_of(shown) == before
    with pytest.raises(ConfigurationError, match="holds tasks that no demo learned: name a new folder"):
        run_demo(run_folder, TINY)
    assert not (run_folder / "data").exists()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").touch()
    with pytest.raises(ConfigurationError, match="is the folder of no run"):
        run_demo(tmp_path / "letters", TINY)
    assert list(bytes_of(tmp_path / "letters")) == ["a.txt"]
