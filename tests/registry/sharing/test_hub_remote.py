"""A repository of the Hub is one state, and a push is one commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry import TaskRegistry, pull, push
from piggygan.registry.sharing.hub_remote import HubRemote
from piggygan.registry.store import ObjectStore, StoredObject
from tests.registry.sharing.fake_hub import FakeHub

pytestmark = pytest.mark.filterwarnings("ignore:Use .content=")  # between the Hub's library and its own client


def test_two_who_push_at_once_lose_nothing(
    registry: TaskRegistry, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(registry.folder, "hf://clinic/lungs", tasks=[registry.tasks[0]])
    write = HubRemote.write

    def late(self: HubRemote, *arguments: object) -> None:
        hub.repositories["clinic/lungs"].commit({"note.txt": b"from another"})
        write(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(HubRemote, "write", late)
    with pytest.raises(RegistryError, match="written to by another since it was read: push again"):
        push(registry.folder, "hf://clinic/lungs")
    monkeypatch.setattr(HubRemote, "write", write)
    push(registry.folder, "hf://clinic/lungs")
    assert hub.repositories["clinic/lungs"].commits[-1][1]["note.txt"] == b"from another"


def test_a_repository_is_public_only_where_that_was_said(registry: TaskRegistry, hub: FakeHub) -> None:
    push(registry.folder, "hf://clinic/open", public=True)
    assert not hub.repositories["clinic/open"].private


def test_a_server_that_is_down_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RegistryError) as caught:
        pull("hf://clinic/lungs", tmp_path / "there")
    assert "hf://clinic/lungs could not be used" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hf_secret" not in str(caught.value)


def test_a_state_is_read_to_its_end_whoever_pushes_meanwhile(registry: TaskRegistry, hub: FakeHub) -> None:
    push(registry.folder, "hf://clinic/lungs")
    remote = HubRemote("clinic/lungs")
    head = remote.head()
    hub.repositories["clinic/lungs"].commit({"registry.json": b"of another"})
    assert remote.head() == head
    assert HubRemote("clinic/lungs").head() == b"of another"


def test_an_older_state_can_be_pulled_and_not_be_written(registry: TaskRegistry, hub: FakeHub, tmp_path: Path) -> None:
    first, *_ = registry.tasks
    push(registry.folder, "hf://clinic/lungs", tasks=[first])
    older = hub.repositories["clinic/lungs"].commits[-1][0]
    push(registry.folder, "hf://clinic/lungs")
    assert pull(f"hf://clinic/lungs@{older}", tmp_path / "there").tasks == (first,)
    with pytest.raises(RegistryError, match="names a revision, which is there already: push to hf://clinic/lungs"):
        push(registry.folder, f"hf://clinic/lungs@{older}")


@pytest.mark.usefixtures("hub")
def test_what_has_another_size_is_not_fetched(registry: TaskRegistry, hub: FakeHub) -> None:
    push(registry.folder, "hf://clinic/lungs")
    (stored, *_) = registry.describe("lungs").objects
    hub.fetched = []
    remote = HubRemote("clinic/lungs")
    assert remote.has(stored)
    assert not remote.has(StoredObject(stored.digest, stored.size - 1))
    with pytest.raises(CorruptFileError, match=f"has {stored.size} bytes, at most {stored.size - 1} were expected"):
        remote.get(StoredObject(stored.digest, stored.size - 1))
    with pytest.raises(CorruptFileError, match="is missing"):
        remote.get(StoredObject("0" * 64, 5))
    assert hub.fetched == []


def test_a_file_that_is_not_its_name_is_not_sent(registry: TaskRegistry, hub: FakeHub) -> None:
    stored = registry.describe("lungs").objects[0]
    objects = ObjectStore(registry.folder / "objects")
    objects.path(stored).write_bytes(b"x" * stored.size)
    with pytest.raises(CorruptFileError, match="is damaged"):
        HubRemote("clinic/lungs").write([stored], objects, {}, b"{}")
    assert hub.repositories == {}
