"""Waiting for pictures."""

from benchmarks.speed import input_side


def test_every_kind_of_loading_is_measured_and_waiting_is_a_share() -> None:
    options = input_side.Options(batches=(2,), workers=(0,), steps=3, epochs=1, size=32, width=4)
    rows = input_side.measure(options)
    assert [row["pictures"] for row in rows] == ["decoded", "read anew"]
    assert all(0 < row["waiting %"] < 100 for row in rows)
