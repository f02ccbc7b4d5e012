"""What each process has for itself is stored beside what all have alike, and found again by its number."""

import torch

from piggygan.training.checkpoints.shares import as_of, with_shares


def test_each_process_finds_its_own_and_what_all_have_alike() -> None:
    def share(value: float) -> dict[str, torch.Tensor]:
        return {"random.torch": torch.tensor(value), "network.running_mean": torch.tensor(value)}

    whole = {**share(0.0), "network.weight": torch.tensor(7.0)}
    document, tensors = with_shares({"format": 1, "tensors": ()}, whole, [share(0.0), share(1.0), share(2.0)])
    assert document["tensors"] == tuple(sorted(tensors))
    assert len(tensors) == 7
    for number in range(3):
        own = {name: tensor.item() for name, tensor in as_of(number, tensors).items()}
        assert own == {"random.torch": number, "network.running_mean": number, "network.weight": 7.0}
    # One that the checkpoint does not know.
    assert {name: tensor.item() for name, tensor in as_of(3, tensors).items()} == {
        "network.running_mean": 0.0,
        "network.weight": 7.0,
    }
