"""What a launcher says of a process."""

import pytest

from piggygan.terminal.launched import is_first_to_speak, launched_number, launched_processes


def test_what_torchrun_says_is_read_and_nonsense_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert (launched_processes(), launched_number()) == (4, 3)
    monkeypatch.setenv("WORLD_SIZE", "many")
    monkeypatch.delenv("RANK")
    assert (launched_processes(), launched_number()) == (1, 0)


def test_one_of_several_speaks_and_all_where_they_cannot_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    assert is_first_to_speak()
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert is_first_to_speak()  # nobody said where the others are
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(store.port))
    assert [is_first_to_speak() for _ in range(3)] == [True, False, False]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert is_first_to_speak()
