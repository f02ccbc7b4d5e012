from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from piggygan.errors import FrozenTaskError, InputError, TaskNotFoundError, TaskStateError
from piggygan.files.digests import tensors_digest
from piggygan.files.tensors import tensors_from_bytes
from piggygan.layers.convolutions import PiggybackConv2d
from piggygan.layers.per_task import PerTask
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import candidates, frozen_digests
from piggygan.registry.candidates import checked_scores, prepare
from piggygan.registry.frozen_digests import digest_of_frozen


def test_preparing_serializes_the_tasks_own_tensors_and_leaves_the_model_alone(model: MultiTaskGenerator) -> None:
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    candidate = prepare(model, "lungs", None)
    weights = tensors_from_bytes(candidate.weights, "lungs")
    expected = model.task_tensors("lungs")
    assert {n: t.numpy().tobytes() for n, t in weights.items()} == {n: t.numpy().tobytes() for n, t in expected.items()}
    assert [module.training for module in model.modules()] == modes
    for name, tensor in model.state_dict().items():
        assert tensor.numpy().tobytes() == before[name].numpy().tobytes()


def test_the_evidence_is_what_the_model_itself_computes(model: MultiTaskGenerator) -> None:
    evidence = prepare(model, "lungs", None).evidence
    assert evidence.inputs.shape == (2, 1, 64, 64)  # lungs takes one channel; 64 pixels for a user's generator
    assert model(evidence.inputs, task="lungs").detach().numpy().tobytes() == evidence.outputs.numpy().tobytes()


def test_the_probe_has_the_type_of_the_weights() -> None:
    model = MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 3)).double(), "facades")
    model.freeze_task("facades")
    assert prepare(model, "facades", None).evidence.outputs.dtype == torch.float64


def test_a_probe_of_the_callers_is_taken_and_copied(model: MultiTaskGenerator) -> None:
    probe = torch.rand(1, 3, 8, 12)
    candidate = prepare(model, "edges", probe)
    expected = probe.clone()
    probe.zero_()
    assert torch.equal(candidate.evidence.inputs, expected)
    assert candidate.evidence.outputs.shape == (1, 3, 8, 12)


@pytest.mark.parametrize(
    "probe",
    [
        torch.zeros(3, 8, 8),
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
        torch.zeros(0, 3, 8, 8),
        torch.full((1, 3, 8, 8), torch.nan),
    ],
)
def test_d07_a_malformed_probe_is_refused(model: MultiTaskGenerator, probe: torch.Tensor) -> None:
    with pytest.raises(InputError, match="needed are finite floats of shape"):
        prepare(model, "edges", probe)


def test_a_probe_the_generator_does_not_take_is_refused(model: MultiTaskGenerator) -> None:
    with pytest.raises(InputError, match="needs a batch, 3 channels"):
        prepare(model, "edges", torch.zeros(1, 2, 8, 8))
    with pytest.raises(InputError, match="give probe=images"):
        prepare(model, "edges", torch.zeros(1, 3, 1, 1))


def test_a_task_in_training_and_an_unknown_one_are_refused(model: MultiTaskGenerator) -> None:
    model.add_task("hands")
    with pytest.raises(TaskStateError, match=r"'hands' is still in training: call freeze_task\('hands'\)"):
        prepare(model, "hands", None)
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        prepare(model, "lung", None)


def test_tasks_that_it_draws_on_are_neither_built_nor_hashed_again(
    model: MultiTaskGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(model, "lungs", None)
    built: list[str] = []
    real = candidates.rebuild_task

    def noted(model: MultiTaskGenerator, task: str, *rest: Any) -> None:
        built.append(task)
        real(model, task, *rest)

    monkeypatch.setattr(candidates, "rebuild_task", noted)
    monkeypatch.setattr(frozen_digests, "tensors_digest", lambda _: pytest.fail("it was hashed again"))
    again = prepare(model, "lungs", None)
    assert built == ["lungs"]
    assert again.source_digests == first.source_digests
    assert again.evidence.outputs.numpy().tobytes() == first.evidence.outputs.numpy().tobytes()


def test_what_was_committed_before_is_not_hashed_for_the_next_nor_is_anything_of_it_copied(
    model: MultiTaskGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in ("facades", "edges"):
        prepare(model, task, None)
    hashed: list[str] = []
    copies: list[str | None] = []
    real = PerTask.new_copy
    monkeypatch.setattr(frozen_digests, "tensors_digest", lambda tensors: hashed.extend(tensors) or "0")

    def noted(layer: PerTask, start_from: str | None) -> nn.Module:
        copies.append(start_from)
        return real(layer, start_from)

    monkeypatch.setattr(PerTask, "new_copy", noted)
    prepare(model, "lungs", None)
    assert set(hashed) == model.task_tensors("lungs").keys()
    assert set(copies) == {"facades"}  # those of lungs, which are filled


def test_digests_follow_what_is_cast_and_what_takes_a_name(model: MultiTaskGenerator) -> None:
    assert digest_of_frozen(model, "edges") == tensors_digest(model.task_tensors("edges"))
    model.double()
    assert digest_of_frozen(model, "edges") == tensors_digest(model.task_tensors("edges"))
    model.remove_task("lungs")
    model.remove_task("edges")
    model.add_task("edges", init="normal")
    model.freeze_task("edges")
    assert digest_of_frozen(model, "edges") == tensors_digest(model.task_tensors("edges"))


def test_a_source_that_moved_is_noticed_though_its_digest_is_known(model: MultiTaskGenerator) -> None:
    prepare(model, "lungs", None)
    layer = model.layers["0"]
    assert isinstance(layer, PiggybackConv2d)
    own = layer.of_task("edges").unconstrained
    assert own is not None
    own.data.mul_(2)  # which no version counts
    with pytest.raises(FrozenTaskError, match="'edges' at 0 has other values"):
        prepare(model, "lungs", None)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_c05_weights_that_are_not_finite_are_never_saved(model: MultiTaskGenerator, bad: float) -> None:
    model.add_task("hands")
    with torch.no_grad():
        model.task_parameters("hands")[-1][0] = bad
    with pytest.raises(InputError, match="its training diverged"):
        model.freeze_task("hands")
    with pytest.raises(TaskStateError):  # and nothing else than a frozen task is stored
        prepare(model, "hands", None)


def test_scores_become_plain_numbers() -> None:
    scores = checked_scores({"dice": np.float32(0.5), "count": 3, "loss": torch.tensor(0.25)})
    assert scores == {"dice": 0.5, "count": 3.0, "loss": 0.25}
    assert {type(score) for score in scores.values()} == {float}
    assert checked_scores(None) == {}


@pytest.mark.parametrize(
    "scores",
    [
        {"dice": float("nan")},
        {"dice": float("inf")},
        {"dice": "0.5"},
        {"dice": torch.zeros(2)},
        {"dice": None},
        {"": 1.0},
        {3: 1.0},
        {"count": 10**400},
    ],
)
def test_scores_that_are_no_finite_numbers_by_name_are_refused(scores: dict[Any, Any]) -> None:
    with pytest.raises(InputError, match="needed are finite numbers by name"):
        checked_scores(scores)


def test_17_09_a_task_with_tensors_that_would_be_refused_is_not_committed() -> None:
    class Scaled(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Conv2d(3, 3, 1))
            self.register_buffer("scale", torch.zeros(1, dtype=torch.float8_e5m2))

    model = MultiTaskGenerator(Scaled(), "facades")
    model.freeze_task("facades")
    with pytest.raises(InputError, match=r"types that are not stored: scale \(torch.float8_e5m2\)"):
        prepare(model, "facades", None)
