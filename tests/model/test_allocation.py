"""Own weights dealt out over layers: the sum, the fairness, the ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import piggygan as pg
from piggygan.model.allocation import dealt_evenly, layer_fractions

SIZES = st.dictionaries(st.text(max_size=5), st.integers(1, 10**7), min_size=1, max_size=30)


@given(SIZES, st.floats(0.0, 1.0))
def test_all_is_dealt_out_and_no_layer_gets_more_than_it_has(sizes: dict[str, int], share: float) -> None:
    fractions = dealt_evenly(share, sizes)
    assert list(fractions) == list(sizes)
    assert all(0.0 <= fraction <= 1.0 for fraction in fractions.values())
    dealt = sum(fractions[path] * size for path, size in sizes.items())
    assert dealt == pytest.approx(share * sum(sizes.values()), rel=1e-9, abs=1e-6)


@given(SIZES, st.floats(0.0, 1.0))
def test_who_has_less_than_another_has_all_of_itself(sizes: dict[str, int], share: float) -> None:
    fractions = dealt_evenly(share, sizes)
    own = {path: fractions[path] * size for path, size in sizes.items()}
    most = max(own.values())
    assert all(fractions[path] == 1.0 or own[path] == pytest.approx(most, rel=1e-6, abs=1e-6) for path in sizes)


def test_nothing_and_everything() -> None:
    sizes = {"a": 3, "b": 1000, "c": 70}
    assert dealt_evenly(0.0, sizes) == dict.fromkeys(sizes, 0.0)
    assert dealt_evenly(1.0, sizes) == dict.fromkeys(sizes, 1.0)


def test_the_layers_next_to_the_image_are_the_tasks_own() -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=7, width=32), "facades")
    model.freeze_task("facades")
    model.add_task("lungs")
    tensors = model.task_tensors("lungs")
    assert "model.model.0.factors" not in tensors
    innermost = "model.model.1" + ".model.3" * 5 + ".model.1.unconstrained"
    assert tensors[innermost].shape[0] == 65  # of 256: 2,615,328 weights in all, 249,000 a layer, rounded up to filters


def test_a_layer_is_told_by_its_exact_path_too() -> None:
    """A path may hold characters that mean something in a pattern."""
    fractions = layer_fractions({"blocks[0]": 0.5, "blocks0": 0.1}, {"blocks[0]": 10, "blocks0": 10})
    assert fractions == {"blocks[0]": 0.5, "blocks0": 0.1}


def test_the_first_pattern_that_matches_counts() -> None:
    fractions = layer_fractions({"down.0": 0.0, "down.*": 1.0}, ["down.0", "down.1", "up"])
    assert fractions == {"down.0": 0.0, "down.1": 1.0, "up": 0.25}
