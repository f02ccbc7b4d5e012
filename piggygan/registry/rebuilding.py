"""A model from stored tensors: in which order its tasks are added, and how each becomes what it was.

Committing and loading both go this way, so what a certificate says of a task is said of the task as it is loaded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn

from piggygan.errors import BankMismatchError, ConfigurationError, InputError, TaskError
from piggygan.layers.own_buffers import OwnBuffers
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.wrapping import Wrapping
from piggygan.registry.task_parts import TaskSettings

Sources = Mapping[str, tuple[str, ...]]
"""For each task the tasks that it draws on, in the order of its bank."""


def needed_tasks(wanted: Iterable[str], sources: Sources) -> tuple[str, ...]:
    """Return the wanted tasks and all that they draw on, directly or not, in the order of ``sources``."""
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(sources[name])
    return tuple(name for name in sources if name in needed)


def building_order(sources: Sources) -> tuple[str, ...]:
    """Order tasks so that each bank's tasks come in the order of that bank: a model sorts a bank by age.

    Tasks may have been committed in another order than they were learned in. Where the banks leave a choice,
    the order of ``sources`` stays.

    Raises:
        BankMismatchError: If two banks have two tasks in opposite orders, as from models that grew apart.

    Example:
        >>> building_order({"base": (), "b": ("base",), "a": ("base",), "c": ("base", "a", "b")})
        ('base', 'a', 'b', 'c')
    """
    before: dict[str, set[str]] = {name: set() for name in sources}
    for name, bank in sources.items():
        chain = [source for source in bank if source in before] + [name]
        for older, newer in itertools.pairwise(chain):
            before[newer].add(older)
    order: dict[str, None] = {}
    while len(order) < len(before):
        ready = next((name for name in before if name not in order and before[name] <= order.keys()), None)
        if ready is None:
            stuck = [name for name in before if name not in order]
            raise BankMismatchError(
                f"no model can hold {', '.join(stuck)} together: their banks have the same tasks in different orders, "
                f"because they come from models that learned them in different orders. Keep them in two registries."
            )
        order[ready] = None
    return tuple(order)


def rebuild_base(
    generator: nn.Module, base_task: str, wrapping: Wrapping, tensors: Mapping[str, Tensor]
) -> MultiTaskGenerator:
    """Wrap a plain generator, in place, and give it the base task's stored tensors, frozen.

    Raises:
        BankMismatchError: If tensors and generator do not belong together.
    """
    with belonging(base_task):
        model = wrap_base(generator, base_task, wrapping, tensors)
        model.load_task_tensors(base_task, tensors)
    model.freeze_task(base_task)
    return model.eval()


@contextmanager
def belonging(base_task: str) -> Iterator[None]:
    """Raise a BankMismatchError where a block finds that a base task is not of a generator."""
    try:
        yield
    except (ConfigurationError, InputError) as error:
        raise BankMismatchError(f"the base task {base_task!r} does not belong to this generator: {error}") from error


def wrap_base(
    generator: nn.Module, base_task: str, wrapping: Wrapping, tensors: Mapping[str, Tensor]
) -> MultiTaskGenerator:
    """Wrap a plain generator, in place, to be given the base task's stored tensors.

    Raises:
        ConfigurationError: If it has other layers.
    """
    model = MultiTaskGenerator(
        generator,
        base_task,
        output_layer=wrapping.output_layer,
        input_layer=wrapping.input_layer,
        per_task=wrapping.per_task,
        shared_frozen=wrapping.shared_frozen,
    )
    for path, layer in model.layers.items():
        if isinstance(layer, OwnBuffers):  # the first registries had none of them: they stay as the generator's
            layer.store_only(
                [name for name in layer.tensors(base_task) if (f"{path}.{name}" if path else name) in tensors]
            )
    return model


def rebuild_task(
    model: MultiTaskGenerator,
    task: str,
    draws_on: tuple[str, ...],
    settings: TaskSettings,
    tensors: Mapping[str, Tensor],
) -> None:
    """Add one stored task to a model, frozen; a task that does not fit is not added.

    Raises:
        BankMismatchError: If the task and the model do not belong together.
    """
    before = model.tasks
    try:
        _check_channels(model, settings, sum(tensor.numel() for tensor in tensors.values()))
        model.add_task(
            task,
            draws_on=draws_on,
            unconstrained_fraction=settings.unconstrained_fraction,
            in_channels=settings.in_channels,
            out_channels=settings.out_channels,
            output_layer_unconstrained=settings.output_layer_unconstrained,
            max_bank=settings.max_bank,
            init="empty",  # a warm start would cost time, and could need a task that is not in the bank
            factor_step=1.0,  # stored are the factors themselves
        )
        model.load_task_tensors(task, tensors)
        if model.describe_task(task).draws_on != draws_on:
            raise InputError(f"its bank would be {', '.join(model.describe_task(task).draws_on)}")
    except (ConfigurationError, InputError, TaskError) as error:
        if task in model.tasks and task not in before:
            model.remove_task(task)
        raise BankMismatchError(
            f"task {task!r} does not belong to a bank of {', '.join(draws_on)} here: {error}"
        ) from error
    model.freeze_task(task, stored=settings.stored)
    model.eval()


def _check_channels(model: MultiTaskGenerator, settings: TaskSettings, stored: int) -> None:
    """Refuse channels for which there would be more weights than numbers are stored, before memory is taken.

    Raises:
        InputError: If there would.
    """
    for name, path in (("in_channels", model.wrapping.input_layer), ("out_channels", model.wrapping.output_layer)):
        asked = getattr(settings, name)
        convolution = getattr(model.layers[path], "conv", None)
        if asked is None or convolution is None or asked <= getattr(convolution, name):
            continue
        needed = convolution.weight.numel() // getattr(convolution, name) * asked
        if needed > stored:
            raise InputError(f"its {name} of {asked} would need {needed} weights in {path!r}, and {stored} are stored")


def settings_of(model: MultiTaskGenerator, task: str) -> TaskSettings:
    """Return how ``task`` was built, so that :func:`rebuild_task` can do it again."""
    described = model.describe_task(task)
    # Only a layer that composes filters has factors; where nothing could be composed, either choice builds the same.
    factors = ".".join(filter(None, (model.wrapping.output_layer, "factors")))
    return TaskSettings(
        unconstrained_fraction=dict(described.unconstrained_fraction),
        in_channels=described.in_channels,
        out_channels=described.out_channels,
        output_layer_unconstrained=factors not in model.task_tensors(task),
        max_bank=described.max_bank,
        stored=described.stored,
    )
