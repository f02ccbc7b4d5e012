"""A look at a model leaves it as it was."""

import torch
from torch import Tensor, nn

from piggygan.model.restoring import modes_kept, tensors_kept


class Counting(nn.Module):
    """Puts another buffer in the place of its own at every call, and writes to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("total", torch.zeros(1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, number: Tensor) -> Tensor:
        self.calls = self.calls + 1
        self.total.add_(number)
        return number * self.scale


def test_tensors_that_moved_or_were_replaced_are_the_same_objects_and_bytes_again() -> None:
    module = nn.Sequential(Counting())
    before = {name: (tensor, tensor.clone()) for name, tensor in module.state_dict(keep_vars=True).items()}
    try:
        with tensors_kept(module):
            module(torch.ones(1))
            with torch.no_grad():
                module[0].scale.mul_(3)
            raise KeyError
    except KeyError:
        pass
    for name, tensor in module.state_dict(keep_vars=True).items():
        assert tensor is before[name][0]
        assert torch.equal(tensor, before[name][1])


def test_modes_come_back_part_by_part() -> None:
    module = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(1).eval()).train(False)
    module[0].train()
    with modes_kept(module):
        module.train()
    assert [part.training for part in module.modules()] == [False, True, False]
