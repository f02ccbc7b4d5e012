"""Folds: members are ordinary tasks on one bank, each without the films of its own fold, and taken up after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from piggygan.cli import main
from piggygan.data.splits import read_splits
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.errors import (
    ConfigurationError,
    DatasetError,
    NotLearnedError,
    ResumeError,
    TaskExistsError,
    TaskStateError,
)
from piggygan.evaluation.temperature import CALIBRATION, temperature_of
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.ensemble import plan_ensemble, train_ensemble
from piggygan.jobs.training.ensemble_result import read_ensemble
from piggygan.jobs.training.result import read_result
from piggygan.jobs.training.run import train_task
from piggygan.registry import Member, TaskRegistry
from tests.jobs.conftest import LEARNED_SIZE

MEMBERS = ("lungs-1", "lungs-2")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen films of eight patients, on sides of their own."""
    folder = tmp_path_factory.mktemp("data") / "films"
    names = [image.name for image, _ in write_xrays(folder, 16, LEARNED_SIZE, seed=0)]
    splits = {"train": names[:8], "val": names[8:12], "test": names[12:]}
    (folder / "splits.json").write_text(json.dumps(splits), encoding="utf-8")
    patients = {name: f"patient {number // 2}" for number, name in enumerate(names)}
    (folder / "patients.json").write_text(json.dumps(patients), encoding="utf-8")
    return folder


@pytest.fixture
def quick(films: Path, small: Any) -> Any:
    return small(films, epochs=1, size=LEARNED_SIZE)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, films: Path, small: Any) -> Path:
    """An ensemble of two, in a registry that was empty; for reading."""
    folder = tmp_path_factory.mktemp("runs") / "exp"
    train_ensemble(folder, "lungs", small(films, epochs=1, size=LEARNED_SIZE), folds=2, progress=False)
    return folder


def test_members_are_committed_on_one_bank_and_belong_together(learned: Path) -> None:
    registry = TaskRegistry(learned / "registry")
    assert registry.tasks == ("lungs-bank", *MEMBERS)
    assert registry.members("lungs") == MEMBERS
    for number, task in enumerate(MEMBERS, start=1):
        record = registry.describe(task)
        assert record.draws_on == ("lungs-bank",)
        assert record.member == Member("lungs", number, 2)
        assert 0.1 <= temperature_of(registry.attachment(task, CALIBRATION)) <= 10
    assert registry.verify().is_sound


def test_each_member_learns_from_all_films_but_those_of_its_fold_and_no_patient_is_on_two_sides(
    learned: Path, films: Path
) -> None:
    run, own = RunFolder.at(learned), read_splits(films / "splits.json")
    pool = {Path(name).stem for side in ("train", "val") for name in own[side]}
    test = {Path(name).stem for name in own["test"]}
    sides = [{side: set(names) for side, names in read_splits(run.task(task).splits).items()} for task in MEMBERS]
    bank = {side: set(names) for side, names in read_splits(run.task("lungs-bank").splits).items()}
    bank_films = bank["train"] | bank["val"]
    assert sides[0]["val"] | sides[1]["val"] | bank_films == pool
    for one, other in (sides, sides[::-1]):
        assert one["test"] == test == bank["test"]
        assert one["train"] == other["val"] | bank_films
        assert not one["val"] & (one["train"] | bank_films)  # no filter saw them
        owner = {name: int(name) // 2 for name in pool}
        assert not {owner[name] for name in one["val"]} & {owner[name] for name in one["train"]}


def test_the_result_and_the_page_tell_of_every_member(learned: Path) -> None:
    files = RunFolder.at(learned).task("lungs")
    found = read_ensemble(files)
    assert found is not None
    results = [read_result(RunFolder.at(learned).task(task)) for task in MEMBERS]
    assert set(found.scores) == {"folds", "test"}
    assert found.scores["folds"]["dice"] == pytest.approx(
        sum(result.scores["val"]["dice"] for result in results if result) / 2
    )
    assert set(found.of_members) == set(MEMBERS)
    assert found.disagreement is not None
    bank = read_result(RunFolder.at(learned).task("lungs-bank"))
    assert bank is not None
    costs = [result.cost.parameters for result in (*results, bank) if result]
    assert found.cost.parameters == sum(costs)
    assert found.cost.share > 1
    page = files.page.read_text(encoding="utf-8")
    assert all(task in page for task in (*MEMBERS, "lungs-bank"))


def test_what_is_done_is_found_done_and_a_shorter_line_says_it_again(
    learned: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piggygan.jobs.training.run.prepare", None)  # which nothing calls
    before = TaskRegistry(learned / "registry").digest
    assert main(["train", str(learned), "--task", "lungs"]) == 0
    assert "2 members committed" in capsys.readouterr().out
    assert TaskRegistry(learned / "registry").digest == before


def test_it_goes_on_after_a_stop_between_and_within_members_to_the_same_bytes(
    learned: Path, tmp_path: Path, quick: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(BaseException):
        pass

    from piggygan.jobs.training import run as running

    commit, stops = running.commit_and_verify, iter([False, True, False, True, False])

    def stopping(*arguments: Any) -> Any:
        if next(stops):
            raise Stop
        return commit(*arguments)

    monkeypatch.setattr(running, "commit_and_verify", stopping)
    for _ in range(2):  # while the first member is committed, and while the second is
        with pytest.raises(Stop):
            train_ensemble(tmp_path / "exp", "lungs", quick, folds=2, progress=False)
    train_ensemble(tmp_path / "exp", "lungs", progress=False, config=quick)
    found, wanted = (TaskRegistry(folder / "registry") for folder in (tmp_path / "exp", learned))
    for task in wanted.tasks:
        digests = [
            registry.describe(task).networks["generator"].certificate.tensors_digest for registry in (found, wanted)
        ]
        assert digests[0] == digests[1]
        assert found.describe(task).attachments == wanted.describe(task).attachments


def test_a_registry_that_has_tasks_is_the_bank(run_folder: Path, films: Path, small: Any) -> None:
    found = train_ensemble(run_folder, "lungs", small(films, epochs=1), folds=2, progress=False)
    assert found.bank == ("facades",)
    assert found.cost.share < 1
    assert TaskRegistry(run_folder / "registry").tasks == ("facades", *MEMBERS)


def test_a_member_that_is_not_learned_is_not_committed_and_more_epochs_go_on_with_it(
    tmp_path: Path, films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from piggygan.jobs.training import run as running

    judged: list[str] = []

    def unlearned(prepared: Any, epochs: int, kept: int) -> str | None:
        del kept
        judged.append(prepared.files.name)
        return "'lungs-2' is not learned" if prepared.files.name == "lungs-2" and epochs == 1 else None

    monkeypatch.setattr(running, "unlearned", unlearned)
    config = small(films, epochs=1, size=LEARNED_SIZE, commit_anyway=False)
    with pytest.raises(NotLearnedError, match="'lungs-2' is not learned"):
        train_ensemble(tmp_path / "exp", "lungs", config, folds=2, progress=False)
    assert TaskRegistry(tmp_path / "exp/registry").tasks == ("lungs-bank", "lungs-1")
    longer = small(films, epochs=2, size=LEARNED_SIZE, commit_anyway=False)
    train_ensemble(tmp_path / "exp", "lungs", longer, folds=2, progress=False)
    assert judged == ["lungs-bank", *MEMBERS, "lungs-2"]
    results = [read_result(RunFolder.at(tmp_path / "exp").task(task)) for task in MEMBERS]
    assert [result.epochs for result in results if result] == [1, 2]


def test_what_is_refused_before_anything_is_learned_leaves_nothing(tmp_path: Path, films: Path, small: Any) -> None:
    for options in ({"size": 24}, {"split": "0.8/0.1/0.1", "split_by": "x(.)"}):
        with pytest.raises(ConfigurationError):
            train_ensemble(tmp_path / "exp", "lungs", small(films, epochs=1, **options), folds=2, progress=False)
        assert not any((tmp_path / "exp").rglob("*"))
    with pytest.raises(
        DatasetError, match=r"5 folds and a bank, .* 2 sides need at least as many patients. Take fewer folds"
    ):
        train_ensemble(tmp_path / "exp", "lungs", small(films, epochs=1, size=32), folds=5, progress=False)
    assert not any((tmp_path / "exp").rglob("*"))


@pytest.mark.parametrize(
    ("task", "folds", "error", "said"),
    [
        ("lungs", 1, ConfigurationError, "folds is 1; needed are 2 to 100"),
        ("lungs@2", 5, ConfigurationError, "is learned as one task"),
        ("facades", 5, TaskExistsError, "an ensemble is called otherwise than tasks"),
    ],
)
def test_an_ensemble_that_cannot_be_is_refused_and_nothing_is_written(
    run_folder: Path, quick: Any, task: str, folds: int, error: type[Exception], said: str
) -> None:
    before = sorted(run_folder.rglob("*"))
    with pytest.raises(error, match=said):
        train_ensemble(run_folder, task, quick, folds=folds, progress=False)
    assert sorted(run_folder.rglob("*")) == before


def test_what_was_begun_otherwise_is_refused(learned: Path, quick: Any) -> None:
    with pytest.raises(ResumeError, match="was begun with 2 folds, and folds is 3"):
        train_ensemble(learned, "lungs", quick, folds=3, progress=False)
    with pytest.raises(TaskStateError, match="'lungs' is an ensemble"):
        train_task(learned, "lungs", quick, progress=False)
    assert main(["train", str(learned), "--task", "lungs", "--compare", "separate"]) == 2


def test_the_plan_says_what_all_members_cost_and_writes_nothing(
    tmp_path: Path, run_folder: Path, films: Path, quick: Any, small: Any
) -> None:
    assert "about 2.5 in all" in plan_ensemble(tmp_path / "new", "lungs", quick, folds=5)[-1]
    before = sorted(run_folder.rglob("*"))
    assert "then 4 more members: " in plan_ensemble(run_folder, "lungs", small(films, epochs=1))[-1]
    assert sorted(run_folder.rglob("*")) == before
    assert not (tmp_path / "new").exists()
