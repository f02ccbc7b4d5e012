"""Generators of the repository's own classes, wrapped: what is promised of ours holds of them.

Its classes are stated anew here, under its names and with its constructor's arguments, from what its layers are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.cli import main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks.pix2pix import load_pix2pix_generator, pix2pix_options, save_pix2pix_generator
from piggygan.registry import TaskRegistry
from tests.networks.pix2pix.their_classes import BATCH, INSTANCE, ResnetBlock, theirs


@pytest.fixture(params=[("unet", BATCH), ("unet", INSTANCE), ("resnet", BATCH), ("resnet", INSTANCE)], ids=str)
def model(request: pytest.FixtureRequest) -> MultiTaskGenerator:
    model = MultiTaskGenerator(theirs(*request.param), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1, init="normal")
    model.freeze_task("lungs")
    return model.eval()


def test_their_classes_are_stored_verified_predicted_and_exported_like_ours(
    model: MultiTaskGenerator, tmp_path: Path
) -> None:
    folder = tmp_path / "clinic"
    registry = TaskRegistry(folder)
    for task in model.tasks:
        registry.commit(model, task, image_size=32)
    assert not registry.needs_generator
    assert main(["verify", str(folder)]) == 0
    assert [check.state for check in registry.verify()] == ["equal", "equal"]
    film = tmp_path / "film.png"
    Image.fromarray(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)).save(film)
    assert main(["predict", str(folder), str(film), "--task", "lungs", "--out", str(tmp_path / "out")]) == 0
    assert main(["export-pix2pix", str(folder), str(tmp_path / "lungs.pth"), "--task", "lungs"]) == 0
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(load_pix2pix_generator(tmp_path / "lungs.pth")(images), model(images, task="lungs"))
        loaded = registry.load(generator=model.fold_task("facades"))  # their class can be given all the same
        assert type(loaded.fold_task("lungs")) is type(model.fold_task("lungs"))
        assert torch.equal(loaded(images, task="lungs"), model(images, task="lungs"))


def test_a_folded_task_of_theirs_goes_out_as_it_is(model: MultiTaskGenerator, tmp_path: Path) -> None:
    plain = model.fold_task("lungs")
    save_pix2pix_generator(plain, tmp_path / "lungs.pth")
    written = torch.load(tmp_path / "lungs.pth", weights_only=True)
    assert list(written) == list(plain.state_dict())
    assert "--output_nc 1 " in pix2pix_options(plain)


def test_a_namesake_that_computes_something_else_is_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ResnetBlock, "forward", lambda self, x: x - self.conv_block(x))
    model = MultiTaskGenerator(theirs("resnet", INSTANCE), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    assert registry.needs_generator
    assert registry.verify(generator=theirs("resnet", INSTANCE)).is_sound
