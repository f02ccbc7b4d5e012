"""Tasks travel: what is lacking alone, checked, all or nothing, to a folder and to a hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import piggygan as pg
from piggygan.errors import (
    BankMismatchError,
    ConfigurationError,
    CorruptFileError,
    FormatVersionError,
    RegistryError,
    TaskExistsError,
    TaskNotFoundError,
)
from piggygan.registry import TaskRegistry, new_key, pull, push
from tests.registry.sharing.fake_hub import FakeHub

pytestmark = pytest.mark.filterwarnings("ignore:Use .content=")  # between the Hub's library and its own client


def contents(folder: Path) -> dict[str, bytes]:
    """What counts of a registry."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock" and path.parent.name != "leases"
    }


def test_what_was_pushed_is_pulled_to_the_same_bytes(registry: TaskRegistry, url: str, tmp_path: Path) -> None:
    sent = push(registry.folder, url)
    assert sent.tasks == registry.tasks
    assert sent.bytes > 0
    came = pull(url, tmp_path / "there")
    assert (came.tasks, came.objects, came.bytes) == (sent.tasks, sent.objects, sent.bytes)
    assert came.head == sent.head == registry.digest == TaskRegistry(tmp_path / "there").digest
    assert contents(tmp_path / "there") == contents(registry.folder)


def test_a_second_push_moves_the_new_task_alone(
    registry: TaskRegistry,
    url: str,
    tmp_path: Path,
    model: pg.MultiTaskGenerator,
    learn: Callable[[pg.MultiTaskGenerator, str], None],
) -> None:
    push(registry.folder, url)
    pull(url, tmp_path / "there")
    assert push(registry.folder, url).objects == 0
    model.add_task("doors")
    learn(model, "doors")
    registry.commit(model, "doors")
    sent = push(registry.folder, url)
    assert sent.tasks == ("doors",)
    assert 1 <= sent.objects <= 3
    came = pull(url, tmp_path / "there")
    assert (came.tasks, came.objects) == (("doors",), sent.objects)
    assert contents(tmp_path / "there") == contents(registry.folder)
    assert pull(url, tmp_path / "there").tasks == ()


def test_a_task_brings_what_it_draws_on_and_no_more(registry: TaskRegistry, url: str, tmp_path: Path) -> None:
    base, second, *_ = registry.tasks
    assert push(registry.folder, url, tasks=[second]).tasks == (base, second)
    assert pull(url, tmp_path / "there", tasks=[base]).tasks == (base,)
    assert pull(url, tmp_path / "there", tasks=[second]).tasks == (second,)


def test_each_side_keeps_tasks_that_the_other_lacks(
    registry: TaskRegistry,
    url: str,
    tmp_path: Path,
    model: pg.MultiTaskGenerator,
    learn: Callable[[pg.MultiTaskGenerator, str], None],
) -> None:
    there = TaskRegistry(tmp_path / "there")
    push(registry.folder, url)
    pull(url, there.folder)
    for task in ("doors", "roofs"):
        model.add_task(task, draws_on=["facades"])
        learn(model, task)
        (registry if task == "doors" else there).commit(model, task)
    assert push(registry.folder, url).tasks == ("doors",)
    assert push(there.folder, url).tasks == ("roofs",)
    assert pull(url, there.folder).tasks == ("doors",)
    assert pull(url, registry.folder).tasks == ("roofs",)
    assert set(registry.tasks) == set(there.tasks)
    assert registry.verify_files().is_sound
    assert there.verify_files().is_sound


def test_what_was_attached_on_one_side_comes_to_the_other(registry: TaskRegistry, url: str, tmp_path: Path) -> None:
    push(registry.folder, url)
    pull(url, tmp_path / "there")
    registry.attach("lungs", "features", {"mean": torch.ones(3)})
    assert (sent := push(registry.folder, url)).tasks == ("lungs",)
    assert sent.objects == 1
    assert pull(url, tmp_path / "there").objects == 1
    assert contents(tmp_path / "there") == contents(registry.folder)
    TaskRegistry(tmp_path / "there").attach("edges", "features", {"mean": torch.ones(3)})
    registry.attach("edges", "features", {"mean": torch.zeros(3)})
    push(registry.folder, url)
    with pytest.raises(TaskExistsError, match="'edges', and they are not the same"):
        pull(url, tmp_path / "there")


@pytest.mark.parametrize("damage", [b"", b"{}", b"x" * 100])
def test_what_was_changed_on_the_way_is_refused_and_nothing_counts(
    registry: TaskRegistry, hub: FakeHub, tmp_path: Path, damage: bytes
) -> None:
    push(registry.folder, "hf://clinic/lungs")
    stored = min((registry.folder / "objects").iterdir())
    flipped = bytearray(stored.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    for name, data in ((stored.name, bytes(flipped)), (stored.name, damage), ("registry.json", damage)):
        hub.damage = {name: data}
        with pytest.raises(RegistryError, match=r"hf://clinic/lungs"):
            pull("hf://clinic/lungs", tmp_path / "there")
        assert TaskRegistry(tmp_path / "there").tasks == ()
    hub.damage = {}
    assert pull("hf://clinic/lungs", tmp_path / "there").tasks == registry.tasks


def test_a_push_or_a_pull_that_was_cut_off_goes_on(registry: TaskRegistry, hub: FakeHub, tmp_path: Path) -> None:
    total = len(list((registry.folder / "objects").iterdir()))
    for _ in range(total - 1):
        hub.fail_after = 1
        with pytest.raises(RegistryError, match="could not be used"):
            push(registry.folder, "hf://clinic/lungs")
        assert "registry.json" not in hub.repositories["clinic/lungs"].commits[-1][1]
    hub.fail_after = None
    push(registry.folder, "hf://clinic/lungs")
    assert sorted(hub.puts) == sorted(set(hub.puts)), "nothing was sent twice"
    for come in range(2, 5):  # registry.json, and one object more each time
        hub.fail_after = come
        with pytest.raises(RegistryError, match="could not be used"):
            pull("hf://clinic/lungs", tmp_path / "there")
        assert TaskRegistry(tmp_path / "there").tasks == ()
    hub.fail_after, hub.fetched = None, []
    came = pull("hf://clinic/lungs", tmp_path / "there")
    assert came.objects < total
    assert contents(tmp_path / "there") == contents(registry.folder)


def test_other_tasks_of_one_name_and_other_generators_are_refused(
    registry: TaskRegistry, url: str, tmp_path: Path, make_model: Callable[[int], pg.MultiTaskGenerator]
) -> None:
    push(registry.folder, url)
    other = make_model(7)
    TaskRegistry(tmp_path / "other").commit(other, registry.tasks[0])
    for act in (lambda: pull(url, tmp_path / "other"), lambda: push(tmp_path / "other", url)):
        before = contents(tmp_path / "other")
        with pytest.raises(TaskExistsError, match="both registries have a task 'facades', and they are not the same"):
            act()
        assert contents(tmp_path / "other") == before
    alien = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
    alien.freeze_task("facades")
    TaskRegistry(tmp_path / "alien").commit(alien, "facades")
    with pytest.raises(BankMismatchError, match="of another generator"):
        pull(url, tmp_path / "alien")


def test_only_the_tasks_travel(registry: TaskRegistry, hub: FakeHub) -> None:
    for name in ("film.png", "checkpoints/step.pt", "samples/patient.png"):
        (registry.folder / name).parent.mkdir(exist_ok=True)
        (registry.folder / name).write_bytes(b"private")
    push(registry.folder, "hf://clinic/lungs", card="---\nlicense: mit\n---\n# Lungs\n")
    names = hub.repositories["clinic/lungs"].commits[-1][1].keys() - {".gitattributes"}
    assert names == {
        "README.md", "registry.json", *(f"objects/{path.name}" for path in (registry.folder / "objects").iterdir())
    }  # fmt: skip
    assert hub.repositories["clinic/lungs"].private


def test_signatures_travel_and_are_required_where_that_was_said(
    registry: TaskRegistry, url: str, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography")
    key = new_key(tmp_path / "key")
    push(registry.folder, url)
    with pytest.raises(CorruptFileError, match="is signed by none of"):
        pull(url, tmp_path / "there", signers=[key])
    assert TaskRegistry(tmp_path / "there").tasks == ()
    for task in registry.tasks:
        registry.sign_task(task, tmp_path / "key")
    assert push(registry.folder, url).objects == 0
    assert pull(url, tmp_path / "there", signers=[key]).tasks == registry.tasks
    assert TaskRegistry(tmp_path / "there", signers=[key]).verify_files().is_sound
    other = new_key(tmp_path / "other")
    registry.sign_task(registry.tasks[0], tmp_path / "other")
    push(registry.folder, url)
    pull(url, tmp_path / "there", signers=[key])
    TaskRegistry(tmp_path / "there", signers=[other]).verify_files()
    assert contents(tmp_path / "there") == contents(registry.folder)


def test_the_head_that_is_expected_is_the_only_one_that_is_taken(
    registry: TaskRegistry, url: str, tmp_path: Path
) -> None:
    sent = push(registry.folder, url)
    with pytest.raises(CorruptFileError, match="expected was sha256:0000"):
        pull(url, tmp_path / "there", expect="sha256:" + "0" * 64)
    assert pull(url, tmp_path / "there", expect=sent.head).tasks == registry.tasks


def test_a_newer_format_is_refused_with_words(registry: TaskRegistry, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/share"
    push(registry.folder, url)
    shared = tmp_path / "share" / "registry.json"
    shared.write_text(json.dumps({**json.loads(shared.read_bytes()), "schema_version": 99}))
    with pytest.raises(FormatVersionError, match="update piggygan"):
        pull(url, tmp_path / "there")
    with pytest.raises(FormatVersionError, match="update piggygan"):
        push(registry.folder, url)


def test_a_damaged_task_is_not_passed_on(registry: TaskRegistry, url: str) -> None:
    stored = min((registry.folder / "objects").iterdir())
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptFileError, match="is damaged"):
        push(registry.folder, url)


@pytest.mark.usefixtures("hub")
def test_places_that_are_none_are_refused(registry: TaskRegistry, tmp_path: Path) -> None:
    for wrong in ("clinic", "hf://clinic", "https://huggingface.co/a/b", "file://relative/path", "hf://a/b/c", ""):
        with pytest.raises(ConfigurationError, match="is no place to share a registry"):
            push(registry.folder, wrong)
    with pytest.raises(RegistryError, match="there is no registry at hf://no/where, or none that you may see"):
        pull("hf://no/where", tmp_path / "there")
    with pytest.raises(RegistryError, match="there is no registry at file://"):
        pull(f"file://{tmp_path}/nowhere", tmp_path / "there")
    with pytest.raises(RegistryError, match="there is no registry in"):
        push(tmp_path / "empty", f"file://{tmp_path}/share")
    with pytest.raises(TaskNotFoundError):
        push(registry.folder, f"file://{tmp_path}/share", tasks=["nothing"])
    assert not (tmp_path / "there").exists()
    assert not (tmp_path / "share").exists()
