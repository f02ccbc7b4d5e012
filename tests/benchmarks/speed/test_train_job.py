"""A small run: both learn, and are set beside each other."""

from benchmarks.speed import train_job


def test_the_command_is_set_against_what_is_written_by_hand() -> None:
    skipped: list[str] = []
    rows = train_job.measure(train_job.Options(size=32, width=2, pairs=10, epochs=1, rounds=1), skipped)
    assert skipped == []
    assert [row["how"] for row in rows] == ["by hand", "piggygan train"]
    assert rows[0]["/ by hand"] == 1.0
    assert all(row["s"] > 0 for row in rows)
