from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.files.tensors import tensors_from_bytes, tensors_to_bytes
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry.certificates import check, gather_evidence, probe_images
from piggygan.registry.store import ObjectStore

PROBE = probe_images(1, 16, torch.float32)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_probe_images_are_the_same_in_every_process_and_in_range() -> None:
    images = probe_images(3, 8, torch.float32)
    assert images.shape == (2, 3, 8, 8)
    assert -1 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1
    assert hashlib.sha256(images.numpy().tobytes()).hexdigest()[:16] == "76da5f8915c32471"
    assert probe_images(1, 4, torch.float64).dtype == torch.float64


def test_an_untouched_task_is_equal(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    certificate = gather_evidence(model, "lungs", PROBE).store(objects)
    result = check(model, "lungs", certificate, objects)
    assert (result.state, result.largest_difference, result.is_sound) == ("equal", 0.0, True)
    assert str(result) == "lungs: equal"


def test_the_stored_images_are_what_the_model_takes_and_makes(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    certificate = gather_evidence(model, "lungs", PROBE).store(objects)
    inputs = tensors_from_bytes(objects.get(certificate.probe), "probe")["inputs"]
    outputs = tensors_from_bytes(objects.get(certificate.outputs), "outputs")["outputs"]
    assert inputs.numpy().tobytes() == PROBE.numpy().tobytes()
    torch.testing.assert_close(model(inputs, task="lungs").detach(), outputs)
    header = f'["outputs", "float32", {list(outputs.shape)}]\n'.encode()
    assert certificate.outputs_digest == hashlib.sha256(header + outputs.numpy().tobytes()).hexdigest()


def test_the_recipe_says_how(model: MultiTaskGenerator) -> None:
    recipe = gather_evidence(model, "lungs", PROBE).recipe
    assert (recipe.device, recipe.dtype, recipe.threads, recipe.torch) == ("cpu", "float32", 1, torch.__version__)


def test_computing_leaves_threads_random_numbers_and_gradients_alone(model: MultiTaskGenerator) -> None:
    former = torch.get_num_threads()
    torch.manual_seed(4)
    expected = torch.rand(1).item()
    torch.manual_seed(4)
    torch.set_num_threads(2)
    try:
        gather_evidence(model, "lungs", PROBE)
        with pytest.raises(InputError):
            gather_evidence(model, "lungs", PROBE[:, :, :1, :1])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(former)
    assert torch.rand(1).item() == expected
    assert torch.is_grad_enabled()


def test_autocast_around_it_changes_nothing(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    certificate = gather_evidence(model, "lungs", PROBE).store(objects)
    with torch.autocast("cpu", torch.bfloat16):
        assert check(model, "lungs", certificate, objects).state == "equal"


class Attending(nn.Module):
    """Has matrix products that are not convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, 256, 1)
        self.mix = nn.Linear(256, 256)
        self.tail = nn.Conv2d(256, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.tail(self.mix(self.head(images).movedim(1, 3)).movedim(3, 1))
        return output


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_inexact_products_around_it_change_nothing(objects: ObjectStore) -> None:
    model = MultiTaskGenerator(Attending(), "lungs", per_task=["mix"])
    model.freeze_task("lungs")
    stored = gather_evidence(model.eval(), "lungs", PROBE).store(objects)
    torch.set_float32_matmul_precision("medium")
    try:
        assert check(model, "lungs", stored, objects).state == "equal"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_one_changed_bit_of_a_weight_is_damage(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    certificate = gather_evidence(model, "lungs", PROBE).store(objects)
    tensor = model.task_tensors("lungs")["0.unconstrained"]
    tensor.view(torch.int32).view(-1)[0] ^= 1
    result = check(model, "lungs", certificate, objects)
    assert not result.is_sound
    assert str(result) == "lungs: damaged: its tensors are not those that were committed"


def certified(
    outputs: Tensor, model: MultiTaskGenerator, objects: ObjectStore, **recipe: Any
) -> tuple[str, str, float]:
    """Check lungs against a certificate that says it made ``outputs`` with a ``recipe`` that differs so."""
    evidence = gather_evidence(model, "lungs", PROBE)
    certificate = replace(evidence, outputs=outputs, recipe=replace(evidence.recipe, **recipe)).store(objects)
    result = check(model, "lungs", certificate, objects)
    return result.state, str(result), result.largest_difference or 0.0


def test_rounding_on_another_machine_is_no_damage_and_its_size_is_said(
    model: MultiTaskGenerator, objects: ObjectStore
) -> None:
    outputs = gather_evidence(model, "lungs", PROBE).outputs.clone()
    outputs[0, 0, 3, 3] += 1e-6
    state, text, largest = certified(outputs, model, objects, machine="aarch64", torch="2.11.0")
    assert state == "recipe differs"
    assert largest == pytest.approx(1e-6, rel=0.1)
    assert text.startswith("lungs: weights equal, recipe differs (largest difference ")
    assert f"torch is {torch.__version__}, was 2.11.0; machine is " in text


def test_a_difference_beyond_rounding_is_damage_on_any_machine(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    outputs = gather_evidence(model, "lungs", PROBE).outputs.clone()
    outputs[0, 0, 3, 3] += 0.01
    state, text, largest = certified(outputs, model, objects, machine="aarch64")
    assert state == "damaged"
    assert "differ by 0.01, more than rounding" in text
    assert largest == pytest.approx(0.01, rel=1e-3)


def test_any_difference_with_the_same_recipe_is_damage(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    outputs = gather_evidence(model, "lungs", PROBE).outputs.clone()
    outputs[0, 0, 3, 3] += 1e-6
    state, text, _ = certified(outputs, model, objects)
    assert state == "damaged"
    assert "same tensors, same recipe" in text


def test_outputs_of_another_shape_are_damage(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    state, text, _ = certified(torch.zeros(1, 1, 2, 2), model, objects, machine="aarch64")
    assert state == "damaged"
    assert "another shape" in text


def test_damaged_probe_images_are_reported_not_raised(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    certificate = gather_evidence(model, "lungs", PROBE).store(objects)
    objects.path(certificate.probe).unlink()
    result = check(model, "lungs", certificate, objects)
    assert result.state == "damaged"
    assert "is missing" in result.reason


def test_outputs_exchanged_for_others_are_damage(model: MultiTaskGenerator, objects: ObjectStore) -> None:
    certificate = gather_evidence(model, "lungs", PROBE).store(objects)
    other = objects.put(tensors_to_bytes({"outputs": torch.zeros(2, 1, 16, 16)}))
    result = check(model, "lungs", replace(certificate, outputs=other), objects)
    assert result.reason == "the stored outputs are not those that were certified"
    swapped = replace(certificate, outputs=certificate.probe)
    assert "is no certificate's outputs: it has ['inputs']" in check(model, "lungs", swapped, objects).reason


class Awkward(nn.Module):
    """A generator whose output is what a test makes it."""

    def __init__(self, last: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.last = last

    def forward(self, images: Tensor) -> object:
        return self.last(self.conv(images))


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (lambda x: (x, "x"), "returns tuple"),
        (lambda x: x > 0, "returns Tensor"),
        (lambda x: x / 0, "NaN or infinity"),
        (lambda x: x.view(7, 7), "refused the probe images of shape .2, 1, 16, 16."),
    ],
)
def test_a_generator_that_cannot_be_certified_is_refused(last: Callable[[Tensor], object], message: str) -> None:
    model = MultiTaskGenerator(Awkward(last), "facades").eval()
    with pytest.raises(InputError, match=message):
        gather_evidence(model, "facades", PROBE)


def test_a_generator_that_draws_random_numbers_is_certified_too(objects: ObjectStore) -> None:
    model = MultiTaskGenerator(Awkward(lambda x: x + torch.randn_like(x)), "facades").eval()
    certificate = gather_evidence(model, "facades", PROBE).store(objects)
    torch.rand(3)  # the caller draws some too
    assert check(model, "facades", certificate, objects).state == "equal"


def test_it_is_computed_in_one_thread_whatever_the_process_has() -> None:
    seen: list[int] = []

    def last(features: Tensor) -> Tensor:
        seen.append(torch.get_num_threads())
        return features

    model = MultiTaskGenerator(Awkward(last), "facades").eval()
    seen.clear()  # of the run that looked for the layers at the ends
    former = torch.get_num_threads()
    model = MultiTaskGenerator(Awkward(last), "facades").eval()
    seen.clear()  # wrapping may have run it
    torch.set_num_threads(3)
    try:
        gather_evidence(model, "facades", PROBE)
    finally:
        torch.set_num_threads(former)
    assert seen == [1]
