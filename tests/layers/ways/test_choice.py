"""The cost model: its formula, and what calibration makes of it."""

from pathlib import Path

import pytest
import torch

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.layers.ways.choice import CostModel, LayerCall, estimate

# The third layer from the middle of a U-Net-256 at batch 1: 512 -> 512 channels, 4x4 filters.
INNER = LayerCall(
    transposed=False,
    filter_size=8192,
    kernel_positions=16,
    composed=384,
    unconstrained=128,
    bank=512,
    groups=1,
    positions=4,
    outputs=4,
    of_input=True,
    calls=1,
    can_unfold=True,
    device="cpu",
    dtype="torch.float32",
)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (INNER, "unfolded"),
        (INNER._replace(can_unfold=False), "features"),
        (INNER._replace(positions=1024, outputs=1024), "features"),
        (INNER._replace(filter_size=512, positions=65536, outputs=65536, of_input=False), "filters"),
        (INNER._replace(device="cuda"), "features"),
    ],
    ids=["few positions", "few, but of a kind that cannot be unfolded", "more", "many", "not on a processor"],
)
def test_the_formula_takes_the_way_that_was_measured_fastest(call: LayerCall, expected: str) -> None:
    assert CostModel().choose(call) == expected


def test_without_prices_the_formula_counts_multiply_adds() -> None:
    call = INNER._replace(device="cuda", composed=3, unconstrained=1, bank=4, filter_size=10, positions=7, outputs=7)
    # Three products of a convolution with 4 filters; and composing, forward and back.
    assert estimate(call, "filters") == 3 * 4 * 10 * 7 + 2 * 3 * 4 * 10
    # Bank and own filters forward and to the input, a gradient of the own one; three products that mix.
    assert estimate(call, "features") == estimate(call, "unfolded") == (2 * 5 + 1) * 10 * 7 + 3 * 3 * 4 * 7
    # To the input by the composed kernel, which has to be composed once; two products that mix.
    assert estimate(call, "crossed") == (5 + 1 + 4) * 10 * 7 + 3 * 4 * 10 + 2 * 3 * 4 * 7


def test_a_forced_way_is_taken_where_it_is_possible() -> None:
    costs = CostModel()
    costs.forced = "unfolded"
    assert costs.choose(INNER) == "unfolded"
    assert costs.choose(INNER._replace(can_unfold=False)) == "features"


@pytest.fixture
def model() -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction={"*": 0.25})
    return model.eval()


def test_what_was_measured_is_what_is_taken() -> None:
    costs = CostModel()
    costs.measured[INNER] = "filters"
    assert costs.choose(INNER) == "filters"


def test_measurements_are_kept_in_a_file(model: pg.MultiTaskGenerator, tmp_path: Path) -> None:
    found = pg.calibrate(model, torch.rand(2, 3, 16, 16), "lungs")
    model.costs.save(tmp_path / "ways.json")
    other = CostModel()
    other.load(tmp_path / "ways.json")
    assert other.measured == found


@pytest.mark.parametrize("text", ["", "[1]", '[{"call": {}, "way": "filters"}]', "{}x"])
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "ways.json").write_text(text)
    costs = CostModel()
    with pytest.raises(ConfigurationError, match=r"ways\.json holds no measured ways"):
        costs.load(tmp_path / "ways.json")
    assert costs.measured == {}
