"""Networks that hold what their last call made are copied all the same."""

from pathlib import Path

import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.layers.copying import copied


class Keeping(nn.Module):
    """Keeps its activations, as for a loss on features: by name and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.kept: list[Tensor] = []
        self.last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.last = self.linear(x)
        self.kept.append(self.last)
        return self.last


def generator() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 3, 1), Keeping(), nn.Conv2d(3, 3, 1))


def test_a_task_is_added_folded_and_committed_right_after_a_step(tmp_path: Path) -> None:
    x = torch.rand(1, 3, 8, 8)
    model = pg.MultiTaskGenerator(generator(), "facades", per_task=[Keeping])
    model(x).sum().backward()
    model.freeze_task("facades")
    model.add_task("lungs")
    model(x, task="lungs").sum().backward()
    folded = model.fold_task("lungs")
    assert torch.equal(folded(x), model(x, task="lungs"))
    model.freeze_task("lungs")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task, probe=x)
    used = generator()
    used(x).sum().backward()
    assert torch.equal(registry.load(generator=used)(x, task="lungs"), model.eval()(x, task="lungs"))


def test_a_result_that_is_held_twice_stays_one() -> None:
    keeping = Keeping()
    keeping(torch.ones(1, 8))
    twin = copied(keeping)
    assert twin.kept[0] is twin.last
    assert torch.equal(twin.kept[0], keeping.kept[0])
    assert keeping.kept[0].requires_grad


def test_what_is_replaced_is_neither_copied_nor_looked_into() -> None:
    network = generator()
    network(torch.rand(1, 3, 8, 8))
    replaced, last = network[1], nn.Identity()
    memo: dict[int, object] = {id(replaced): last}
    found = copied(network, memo)
    assert found[1] is last
    assert not any(id(tensor) in memo for tensor in (replaced.last, *replaced.kept))
    assert found[0].weight is not network[0].weight
