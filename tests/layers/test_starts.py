"""How a new task starts: mixtures of a bounded bank."""

import torch

from piggygan.layers.starts import refitted


def test_a_bank_of_zeros_takes_any_mixture_for_as_near() -> None:
    bank = torch.stack([torch.zeros(4, 6), torch.randn(4, 6)])  # (groups, bank, numbers)
    mixtures, picked = torch.randn(2, 3, 4), torch.tensor([0, 2])
    found = refitted(mixtures, bank, picked)
    assert found.isfinite().all()
    assert torch.equal(found[0], mixtures[0][:, picked])
    exact = torch.linalg.lstsq(bank[1, picked].T.double(), (mixtures[1] @ bank[1]).T.double()).solution.T
    torch.testing.assert_close(found[1].double(), exact, rtol=1e-4, atol=1e-4)
