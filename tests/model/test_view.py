"""A view is a task: its parameters, state, mode and outputs, and nothing of any other's."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import piggygan as pg
from piggygan.errors import InputError, TaskNotChosenError, TaskNotFoundError, TaskStateError, UnsupportedModuleError


class Recomputing(nn.Module):
    """A generator that keeps no activations of its middle, in either of torch's two ways."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.middle = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.last = nn.Conv2d(8, 3, 1)
        self.reentrant = reentrant
        self.recomputes = True

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = checkpoint(self._inner, x, use_reentrant=self.reentrant) if self.recomputes else self._inner(x)
        output: Tensor = self.last(x)
        return output

    def _inner(self, x: Tensor) -> Tensor:
        output: Tensor = self.middle(x)
        return output


def zeros(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Zeros for all that is learned."""
    return {name: 0 * tensor if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def two_tasks(generator: nn.Module | None = None) -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(generator or pg.UNetGenerator(depth=3, width=4, norm="batch"), "facades")
    model.freeze_task("facades")
    model.add_task("lungs")
    with torch.no_grad():
        for parameter in model.task_parameters("lungs"):
            parameter += 0.05 * torch.randn_like(parameter)
    return model


def bytes_of(tensors: dict[str, Tensor]) -> dict[str, bytes]:
    return {name: tensor.detach().numpy().tobytes() for name, tensor in tensors.items()}


@pytest.mark.parametrize("training", [True, False])
def test_a_view_computes_its_task_to_the_bit(training: bool) -> None:
    model, x = two_tasks().train(training), torch.randn(2, 3, 16, 16)
    twin = copy.deepcopy(model)  # statistics move in training
    for task in model.tasks:
        assert torch.equal(model.view(task)(x), twin(x, task=task))


def test_its_parameters_are_the_tasks_own_and_none_else() -> None:
    model = two_tasks()
    own = {id(parameter) for parameter in model.task_parameters("lungs")}
    assert {id(parameter) for parameter in model.view("lungs").parameters()} == own
    assert not list(model.view("facades").parameters())


def test_a_step_through_a_view_moves_the_task_and_nothing_else() -> None:
    model, x = two_tasks().train(), torch.randn(2, 3, 16, 16)
    before = bytes_of(model.task_tensors("facades")), bytes_of(model.task_tensors("lungs"))
    view = model.view("lungs")
    optimizer = torch.optim.Adam(view.parameters(), lr=1e-2, weight_decay=0.1)
    view(x).square().mean().backward()
    optimizer.step()
    assert bytes_of(model.task_tensors("facades")) == before[0]
    after = bytes_of(model.task_tensors("lungs"))
    assert all(after[name] != before[1][name] for name in after if name.endswith("factors"))


def test_its_mode_is_its_own() -> None:
    model = two_tasks(pg.UNetGenerator(depth=3, width=4, norm="batch", dropout=True)).train()
    view = model.view("lungs").eval()
    x = torch.randn(2, 3, 16, 16)
    statistics = bytes_of(model.task_tensors("lungs"))
    assert torch.equal(view(x), view(x))  # no dropout
    assert bytes_of(model.task_tensors("lungs")) == statistics
    assert model.training
    assert all(module.training for module in model.modules() if isinstance(module, nn.Dropout))
    assert not any(module.training for module in view.modules())


@pytest.mark.parametrize("reentrant", [True, False])
def test_recomputed_activations_are_the_views_task(reentrant: bool) -> None:
    view = two_tasks(Recomputing(reentrant)).train().view("lungs")
    view.model.costs.forced = "filters"
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    gradients = []
    for recomputes in (True, False):
        view.generator.recomputes = recomputes  # type: ignore[assignment]
        view.zero_grad()
        view(x).square().sum().backward()
        gradients.append({name: parameter.grad for name, parameter in view.named_parameters()})
    assert all(gradient is not None for gradient in gradients[0].values())
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], msg=name)


@pytest.mark.parametrize("reentrant", [True, False])
def test_recomputed_outside_of_every_choice_is_refused(reentrant: bool) -> None:
    model = two_tasks(Recomputing(reentrant)).train()
    loss = model(torch.randn(2, 3, 8, 8, requires_grad=True), task="lungs").square().sum()
    with pytest.raises(TaskNotChosenError, match="recomputed in the backward pass"):
        loss.backward()


def test_apply_reaches_what_learns_and_passes_frozen_tensors_by() -> None:
    model = two_tasks()
    visited: list[nn.Module] = []
    model.view("facades").apply(visited.append)
    assert not [module for module in visited if list(module.named_buffers(recurse=False))]
    visited.clear()
    model.view("lungs").apply(visited.append)
    reached = {id(parameter) for module in visited for parameter in module.parameters(recurse=False)}
    assert reached == {id(parameter) for parameter in model.task_parameters("lungs")}


def test_its_state_goes_to_a_task_of_the_same_kind_and_to_no_frozen_one() -> None:
    model, other, x = two_tasks().eval(), two_tasks(), torch.randn(2, 3, 16, 16)
    other.eval().load_task_tensors("lungs", zeros(other.task_tensors("lungs")))
    state = model.view("lungs").state_dict()
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    other.view("lungs").load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other(x, task="lungs"), model(x, task="lungs"))
    model.freeze_task("lungs")
    model.view("lungs").load_state_dict(model.view("lungs").state_dict())  # what it is already
    changed = {
        name: tensor + (0 if name.endswith("_extra_state") else 1)
        for name, tensor in model.view("lungs").state_dict().items()
    }
    with pytest.raises(TaskStateError, match="frozen"):
        model.view("lungs").load_state_dict(changed)
    assert torch.equal(other(x, task="lungs"), model(x, task="lungs"))


def test_its_state_is_refused_where_it_would_mean_something_else() -> None:
    state = two_tasks().view("lungs").state_dict()
    other = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, norm="batch"), "facades")  # another base
    other.freeze_task("facades")
    other.add_task("lungs")
    before = bytes_of(other.task_tensors("lungs"))
    with pytest.raises(InputError, match="made of another 'facades' than it would have here"):
        other.view("lungs").load_state_dict(state)
    faster = two_tasks()
    faster.remove_task("lungs")
    faster.add_task("lungs", factor_step=8.0)
    with pytest.raises(InputError, match="factor_step 32, here it is 8"):
        faster.view("lungs").load_state_dict(state)
    bare = {name: tensor for name, tensor in state.items() if not name.endswith("_extra_state")}
    with pytest.raises(InputError, match="does not say what 'lungs' draws on at"):
        two_tasks().view("lungs").load_state_dict(bare, strict=False)
    assert bytes_of(other.task_tensors("lungs")) == before


class Holding(nn.Module):
    """A module of somebody's own that has a view in it, such as a Lightning module."""

    def __init__(self, view: pg.TaskView) -> None:
        super().__init__()
        self.view = view


NESTINGS: dict[str, Callable[[pg.TaskView], nn.Module]] = {
    "itself": lambda view: view,
    "a part of a module": Holding,
    "a part of a part": lambda view: nn.ModuleDict({"nets": nn.ModuleList([Holding(view)])}),
    "its generator alone": lambda view: view.generator,
    "its first layer alone": lambda view: next(part for part in view.modules() if hasattr(part, "check_loads")),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("nesting", NESTINGS)
def test_no_loading_changes_a_frozen_task_wherever_its_view_stands(nesting: str, strict: bool) -> None:
    model = two_tasks()
    model.freeze_task("lungs")
    holder = NESTINGS[nesting](model.view("lungs"))
    before = bytes_of(model.task_tensors("lungs"))
    state = holder.state_dict()
    holder.load_state_dict(state)  # what it is already
    changed = {name: tensor if name.endswith("_extra_state") else tensor + 1 for name, tensor in state.items()}
    with pytest.raises(TaskStateError, match="'lungs' is frozen"):
        holder.load_state_dict(changed, strict=strict)
    (*_, last) = (name for name in state if not name.endswith(("_extra_state", "tracked")))
    with pytest.raises(TaskStateError, match="'lungs' is frozen"):
        holder.load_state_dict({**state, last: state[last] + 1}, strict=strict)
    assert bytes_of(model.task_tensors("lungs")) == before
    model.check_frozen()


def test_a_zero_of_the_other_sign_changes_a_frozen_task() -> None:
    model = two_tasks()
    model.load_task_tensors("lungs", zeros(model.task_tensors("lungs")))
    model.freeze_task("lungs")
    state = model.view("lungs").state_dict()
    changed = {
        name: tensor if name.endswith(("_extra_state", "tracked")) else -tensor for name, tensor in state.items()
    }
    with pytest.raises(TaskStateError, match="frozen"):
        model.view("lungs").load_state_dict(changed)
    model.check_frozen()


@pytest.mark.parametrize("nesting", ["a part of a module", "a part of a part"])
def test_a_view_in_a_module_is_loaded_whole_or_not_at_all(nesting: str) -> None:
    slower, model = two_tasks(), two_tasks()
    slower.remove_task("lungs")
    slower.add_task("lungs", factor_step=8.0)
    state = NESTINGS[nesting](model.view("lungs")).state_dict()
    state = {name: tensor if name.endswith("_extra_state") else tensor + 1 for name, tensor in state.items()}
    (*_, last) = (name for name in state if name.endswith("_extra_state"))  # all but the last layer fit
    state[last] = NESTINGS[nesting](slower.view("lungs")).state_dict()[last]
    before = bytes_of(model.task_tensors("lungs"))
    with pytest.raises(InputError, match="factor_step 8, here it is 32"):
        NESTINGS[nesting](model.view("lungs")).load_state_dict(state)
    assert bytes_of(model.task_tensors("lungs")) == before


@pytest.mark.unpickles
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda view: pickle.loads(pickle.dumps(view))])  # noqa: S301
def test_a_copy_is_a_view_of_a_copied_model(copied: Callable[[Any], Any]) -> None:
    model, x = two_tasks(), torch.randn(2, 3, 16, 16)
    view = model.view("lungs").eval()
    expected = view(x)
    twin = copied(view)
    with torch.no_grad():
        for parameter in model.task_parameters("lungs"):
            parameter.zero_()
    assert torch.equal(twin(x), expected)
    assert not twin.training
    assert twin.model is not model


def test_an_averaged_model_of_a_view_averages_the_task() -> None:
    model, x = two_tasks().eval(), torch.randn(2, 3, 16, 16)
    view = model.view("lungs")
    average = torch.optim.swa_utils.AveragedModel(view, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.0))
    with torch.no_grad():
        for parameter in view.parameters():
            parameter += 0.01
    average.update_parameters(view)
    average.update_parameters(view)
    torch.testing.assert_close(average(x), view(x))


def test_moving_it_moves_the_whole_model() -> None:
    model = two_tasks().eval()
    view = model.view("lungs").double()
    tensors = [tensor for task in model.tasks for tensor in model.task_tensors(task).values()]
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float64}
    assert view(torch.randn(1, 3, 16, 16, dtype=torch.float64)).dtype == torch.float64


def test_attributes_that_name_modules_name_the_views() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Sequential(nn.Conv2d(3, 3, 3, padding=1)) for _ in range(2)])
            self.order = [(block, True) for block in self.blocks]
            self.run = self._run

        def forward(self, x: Tensor) -> Tensor:
            return self.run(x)

        def _run(self, x: Tensor) -> Tensor:
            for block, _ in self.order:
                x = block(x)
            return x

    model, x = two_tasks(Listed()).eval(), torch.randn(1, 3, 8, 8)
    assert torch.equal(model.view("lungs")(x), model(x, task="lungs"))


def test_it_compiles_whole_and_runs_under_data_parallel() -> None:
    model, x = two_tasks().eval(), torch.randn(1, 3, 16, 16)
    view = model.view("lungs")
    compiled = torch.compile(view, backend="eager", fullgraph=True)
    assert torch.equal(compiled(x), view(x))
    assert torch.equal(nn.DataParallel(view)(x), view(x))
    with pytest.raises(UnsupportedModuleError, match="DistributedDataParallel"):
        view._replicate_for_data_parallel()


def test_a_task_that_there_is_not_has_no_view() -> None:
    model = two_tasks()
    with pytest.raises(TaskNotFoundError, match="'lungs'"):
        model.view("lung")
    view = model.view("lungs")
    model.remove_task("lungs")
    with pytest.raises(TaskNotFoundError):
        view(torch.zeros(1, 3, 16, 16))
