"""A side is scored as its pairs one by one, and the digest is of the bytes of its outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from piggygan.data.pairs import PairDataset
from piggygan.evaluation.segmentation import segmentation_scores
from piggygan.jobs.data import TaskData
from piggygan.jobs.evaluating.scoring import headline, score_side
from piggygan.jobs.training.learner import Learner


class Halving(Learner):
    """Stands in for networks: outputs that are easy to make again."""

    def translate(self, images: Tensor) -> Tensor:
        assert torch.is_inference_mode_enabled()
        return images[:, :1] / 2

    def translate_back(self, images: Tensor) -> Tensor:
        return images.expand(-1, 3, -1, -1) * 4


HALVING = Halving({}, "task")


def side_of(data: TaskData) -> PairDataset:
    assert isinstance(data.test, PairDataset)
    return data.test


def test_pictures_are_scored_by_the_mean_of_all_pairs_whatever_the_batch(facades: TaskData) -> None:
    side = side_of(facades)

    class Alike(Learner):
        def translate(self, images: Tensor) -> Tensor:
            return images * 1.5  # some beyond 1, where a picture ends

    found = [score_side(Alike({}, "task"), facades, side, batch_size) for batch_size in (1, 3)]
    by_hand = [(1.5 * pair.input).double().clamp(-1, 1).sub(pair.target.double()).abs().mean() for pair in side]
    assert found[0].scores["l1"] == pytest.approx(float(sum(by_hand)) / len(side), rel=1e-5)
    assert found[1] == found[0]
    digest = hashlib.sha256(b"".join((pair.input * 1.5).numpy().tobytes() for pair in side)).hexdigest()
    assert found[0].outputs == digest


def test_masks_are_scored_as_the_function_scores_all_of_them(films: Path, masks_in: Callable[..., TaskData]) -> None:
    data = masks_in(films)
    side = side_of(data)
    expected = segmentation_scores(
        torch.stack([pair.input[:1] / 2 for pair in side]), torch.stack([pair.target for pair in side])
    ).as_dict()
    found = score_side(HALVING, data, side, 4).scores
    assert found == pytest.approx({name: value for name, value in expected.items() if name != "images"})


def test_what_nobody_paired_is_scored_by_what_is_lost_there_and_back(facades: TaskData) -> None:
    side = side_of(facades)
    found = score_side(HALVING, replace(facades, kind="unpaired"), side, 2)
    lost = [(pair.input[:1] / 2).expand(3, -1, -1).mul(4).sub(pair.input).abs().mean() for pair in side]
    assert found.scores == {"cycle_l1": pytest.approx(float(sum(lost)) / len(side), rel=1e-5)}
    outputs = hashlib.sha256(b"".join((pair.input[:1] / 2).numpy().tobytes() for pair in side)).hexdigest()
    assert found.outputs == outputs  # of the outputs, not of what came back


def test_masks_that_nobody_paired_are_also_scored_by_how_large_they_are(
    films: Path, masks_in: Callable[..., TaskData]
) -> None:
    apart = replace(masks_in(films), kind="unpaired", targets_are_masks=True)
    side = side_of(apart)
    made = sum(float((pair.input[:1] > 0).float().mean()) for pair in side)
    real = sum(float((pair.target > 0).float().mean()) for pair in side)
    found = score_side(HALVING, apart, side, 4).scores
    assert found.keys() == {"area_ratio", "cycle_l1"}
    assert found["area_ratio"] == pytest.approx(made / real)
    assert made != real


def test_more_is_better_of_every_headline() -> None:
    assert headline("masks", {"dice": 0.9}) > headline("masks", {"dice": 0.8})
    assert headline("pairs", {"l1": 0.1}) > headline("pairs", {"l1": 0.2})
    assert headline("unpaired", {"cycle_l1": 0.1}) > headline("unpaired", {"cycle_l1": 0.2})


def test_of_two_networks_the_way_there_the_way_back_and_both_are_scored_where_pairs_are_known(
    films: Path, masks_in: Callable[..., TaskData]
) -> None:
    data = masks_in(films)
    side = side_of(data)
    alone = score_side(HALVING, data, side, 2)
    both = score_side(Halving({"backward": torch.nn.Identity()}, "task"), data, side, 2)  # type: ignore[dict-item]
    names = {"cycle_l1", "backward_l1", "backward_psnr", "backward_ssim"}
    assert both.scores.keys() == alone.scores.keys() | names
    assert {name: value for name, value in both.scores.items() if name not in names} == alone.scores
    backward = [(4 * pair.target.expand(3, -1, -1)).clamp(-1, 1).sub(pair.input).abs().mean() for pair in side]
    assert both.scores["backward_l1"] == pytest.approx(float(sum(backward)) / len(side), rel=1e-5)
    there_and_back = [(2 * pair.input[:1].expand(3, -1, -1)).sub(pair.input).abs().mean() for pair in side]
    assert both.scores["cycle_l1"] == pytest.approx(float(sum(there_and_back)) / len(side), rel=1e-5)
    assert both.outputs != alone.outputs
