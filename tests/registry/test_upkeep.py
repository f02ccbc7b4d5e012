"""A registry is kept in order by whoever may write it, while tasks come and go; the parts are tested by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from piggygan.errors import RegistryError, TaskInUseError
from piggygan.registry import TaskRegistry
from piggygan.registry.upkeep import Upkeep
from tests.registry.contents import files, weights_path


@pytest.fixture
def upkeep(registry: TaskRegistry) -> Upkeep:
    """The same folder, without the calls that change which tasks there are."""
    return Upkeep(registry.folder, "flock", 1.0, None, None)


def test_what_is_removed_is_collected_when_no_lease_needs_it(registry: TaskRegistry, upkeep: Upkeep) -> None:
    path = weights_path(registry, "lungs")
    with upkeep.lease(["lungs"]):
        with pytest.raises(TaskInUseError):
            registry.remove_task("lungs")
        assert upkeep.gc().removed == ()
    registry.remove_task("lungs")
    assert f"objects/{path.name}" in upkeep.gc().removed
    assert not path.exists()


def test_what_is_lost_is_put_back_from_a_copy(registry: TaskRegistry, upkeep: Upkeep, tmp_path: Path) -> None:
    copy = shutil.copytree(registry.folder, tmp_path / "copy")
    before = files(registry.folder)
    weights_path(registry, "lungs").unlink()
    assert upkeep.repair(copy).is_whole
    assert files(registry.folder) == before


def test_a_folder_without_a_registry_is_left_as_it_is(tmp_path: Path) -> None:
    upkeep = Upkeep(tmp_path / "nothing", "flock", 1.0, None, None)
    for refused in (upkeep.gc, lambda: upkeep.repair(tmp_path)):
        with pytest.raises(RegistryError, match="there is no registry in"):
            refused()
    assert list(tmp_path.iterdir()) == []
