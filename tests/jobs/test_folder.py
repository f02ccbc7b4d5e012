"""Which folder is what, and that nothing private can land in what is shared."""

from pathlib import Path

import pytest
from torch import nn

import piggygan as pg
from piggygan.errors import ConfigurationError, TaskNameError
from piggygan.jobs.folder import RunFolder


def committed(folder: Path) -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(1, 1, 1)), "facades")
    model.freeze_task("facades")
    pg.TaskRegistry(folder).commit(model, "facades")


def test_a_new_folder_will_hold_a_registry_and_beside_it_what_is_private(tmp_path: Path) -> None:
    run = RunFolder.at(tmp_path / "exp")
    assert run.registry_folder == tmp_path / "exp" / "registry"
    assert run.task("lungs").root == tmp_path / "exp" / "tasks" / "lungs"
    assert not (tmp_path / "exp").exists()


def test_everything_of_a_task_is_in_its_private_folder_and_nothing_in_the_registry(tmp_path: Path) -> None:
    committed(tmp_path / "bare")
    for run in (RunFolder.at(tmp_path / "exp"), RunFolder.at(tmp_path / "bare")):
        task = run.task("lungs")
        names = (
            "config",
            "start",
            "splits",
            "log",
            "validation",
            "warnings",
            "checkpoints",
            "samples",
            "page",
            "result",
        )
        places = [getattr(task, name) for name in names] + [task.rival("separate"), run.report]
        assert len(set(places)) == len(places)
        assert not any(place.is_relative_to(run.registry_folder) for place in places)
        assert all(place.is_relative_to(task.root) for place in places[:-1])


def test_a_bare_registry_is_taken_and_gets_a_folder_beside_it(tmp_path: Path) -> None:
    committed(tmp_path / "lungs.v1")
    run = RunFolder.at(tmp_path / "lungs.v1")
    assert run.registry_folder == tmp_path / "lungs.v1"
    assert run.root == tmp_path / "lungs.v1-work"


def test_a_bare_registry_named_by_a_dot_gets_a_folder_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(tmp_path / "bare")
    monkeypatch.chdir(tmp_path / "bare")
    assert RunFolder.at(".").root == tmp_path / "bare-work"


def test_the_registry_of_a_run_means_the_run(tmp_path: Path) -> None:
    run = RunFolder.at(tmp_path / "exp")
    committed(run.registry_folder)
    run.task("facades").root.mkdir(parents=True)
    assert RunFolder.at(run.registry_folder) == RunFolder.at(tmp_path / "exp") == run


@pytest.mark.parametrize("name", ["../lungs", "Lungs", "", ".", "a/b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(TaskNameError):
        RunFolder.at(tmp_path).task(name)


def test_a_folder_of_something_else_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigurationError, match=r"no run .*'a.png', 'b.png', 'c.png' and 1 more.*name a new folder"):
        RunFolder.at(tmp_path)


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latest_net_G.pth").touch()
    with pytest.raises(ConfigurationError, match="is a file"):
        RunFolder.at(tmp_path / "latest_net_G.pth")


def test_an_empty_folder_and_one_with_a_hidden_file_are_new(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    assert RunFolder.at(tmp_path).root == tmp_path
