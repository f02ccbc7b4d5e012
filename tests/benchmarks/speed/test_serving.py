"""The benchmark of the server, with a tiny network."""

from __future__ import annotations

from benchmarks.speed.serving import Options, measure


def test_a_server_is_measured_against_its_network() -> None:
    options = Options(seconds=0.4, turns=1, clients=4, size=32, depth=2, width=2, film=64)
    lines = list(measure(options))
    assert lines[0].startswith("answers after ")
    turn = next(line for line in lines if line.startswith("turn 1: "))
    assert "200: " in turn
    assert lines[-1].startswith("batches: {'1': ")
