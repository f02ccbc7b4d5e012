"""Whatever surrounds a call, what the call leaves behind is the same: kernels, banks, starts, folded networks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.layers.ways.compute import Way
from piggygan.layers.ways.shared_calls import calls_of_one_step


@contextmanager
def inexact_products() -> Iterator[None]:
    """On a processor that has such instructions this rounds products to bfloat16; on others it takes another path."""
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


AROUND: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "inexact products": inexact_products,
    "another default device": lambda: torch.device("meta"),
    "plain": nullcontext,
}
around = pytest.mark.parametrize("name", AROUND)
IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


class Small(nn.Module):
    """A plain, a transposed and a grouped convolution, and something with statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 8, 3, padding=1)
        self.mid = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.tail = nn.Conv2d(8, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.tail(torch.relu(self.mid(torch.relu(self.up(self.norm(self.head(images)))))))
        return output


def of_tasks(count: int, *, frozen: bool = True) -> pg.MultiTaskGenerator:
    """Make the same model at every call, its tasks of large numbers, so that rounding shows."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(Small(), "task1").eval()
    for number in range(2, count + 1):
        model.freeze_task(model.tasks[-1])
        model.add_task(f"task{number}", unconstrained_fraction={"*": 0.25})
        with torch.no_grad():
            for parameter in model.task_parameters(f"task{number}"):
                parameter.add_(torch.randn_like(parameter) * (0.3 / 32 if parameter.dim() == 2 else 0.3))
    if frozen:
        model.freeze_task(model.tasks[-1])
    return model


def bytes_of(tensors: Iterator[Tensor] | list[Tensor]) -> list[bytes]:
    return [tensor.detach().numpy().tobytes() for tensor in tensors]


def answers(model: pg.MultiTaskGenerator) -> list[bytes]:
    with torch.no_grad():
        return bytes_of([model.eval()(IMAGES, task=task) for task in model.tasks])


@around
def test_a_call_leaves_no_kernel_that_differs(name: str) -> None:
    model, expected = of_tasks(3), answers(of_tasks(3))
    with AROUND[name](), torch.no_grad():
        for task in model.tasks:
            model(IMAGES, task=task)
    assert answers(model) == expected


@around
def test_a_folded_task_is_the_same_and_can_be_trained(name: str) -> None:
    expected = [bytes_of(of_tasks(3).fold_task(task).parameters()) for task in ("task1", "task2", "task3")]
    model = of_tasks(3)
    with AROUND[name]():
        folded = [model.fold_task(task) for task in model.tasks]
    assert [bytes_of(network.parameters()) for network in folded] == expected
    folded[-1].train()(IMAGES).sum().backward()


@around
@pytest.mark.parametrize("max_bank", [None, 1.0])
def test_a_new_task_starts_the_same_and_can_be_trained(name: str, max_bank: float | None) -> None:
    one, other = of_tasks(3), of_tasks(3)
    one.add_task("new", max_bank=max_bank)
    with AROUND[name]():
        other.add_task("new", max_bank=max_bank)
    stored = [{name: tensor.numpy().tobytes() for name, tensor in m.task_tensors("new").items()} for m in (one, other)]
    assert stored[0] == stored[1]
    other.train()(IMAGES, task="new").sum().backward()
    assert all(parameter.grad is not None for parameter in other.task_parameters("new"))


@around
@pytest.mark.parametrize("way", ["filters", "features", "unfolded", "crossed"])
def test_a_task_frozen_there_can_be_drawn_on(name: str, way: Way) -> None:
    model = of_tasks(1, frozen=False)
    with AROUND[name]():
        model.freeze_task("task1")
    model.add_task("new", unconstrained_fraction={"*": 0.25})
    model.costs.forced = way
    model.train()(IMAGES, task="new").sum().backward()
    assert answers(model)[0] == answers(of_tasks(1))[0]


@around
@pytest.mark.parametrize("way", ["filters", "features", "unfolded", "crossed"])
def test_validating_before_the_first_step_changes_no_bit_of_it(name: str, way: Way) -> None:
    gradients = []
    for validated in (False, True):
        model = of_tasks(4, frozen=False)
        model.costs.forced = way
        if validated:
            with AROUND[name](), torch.no_grad():
                model.eval()(IMAGES, task="task4")
        model.train()(IMAGES, task="task4").square().sum().backward()
        gradients.append([p.grad.numpy().tobytes() for p in model.task_parameters("task4") if p.grad is not None])
    assert gradients[0] == gradients[1]


def test_a_kernel_composed_in_a_backward_pass_under_autocast_is_in_full_precision() -> None:
    gradients = []
    for inside in (nullcontext, AROUND["autocast"]):
        model = of_tasks(3, frozen=False).train()
        model.costs.forced = "crossed"
        with calls_of_one_step(2):
            loss = torch.stack([model(IMAGES, task="task3").square().sum() for _ in range(2)]).sum()
            with inside():
                loss.backward()  # type: ignore[no-untyped-call]
        gradients.append([p.grad.numpy().tobytes() for p in model.task_parameters("task3") if p.grad is not None])
    assert gradients[0] == gradients[1]


def test_autocast_of_the_call_itself_works_in_training_and_evaluation() -> None:
    model = of_tasks(3, frozen=False)
    with torch.autocast("cpu", torch.bfloat16):
        trained = model.train()(IMAGES, task="task3")
        seen = model.eval()(IMAGES, task="task3")
    assert (trained.dtype, seen.dtype) == (torch.bfloat16, torch.bfloat16)
    trained.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.task_parameters("task3"))
    with torch.autocast("cpu", torch.bfloat16):  # the kernel is composed alike before and after
        model.freeze_task("task3")
        assert torch.equal(model.eval()(IMAGES, task="task3"), seen)


def test_autocast_leaves_double_precision_alone_as_it_does_in_torch() -> None:
    model = of_tasks(3, frozen=False).double()
    with torch.autocast("cpu", torch.bfloat16):
        assert model.train()(IMAGES.double(), task="task3").dtype == torch.float64
