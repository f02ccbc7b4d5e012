"""Whether tensors by name may be loaded into a model: all of it is looked at before any of it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.layers.task_layer import STATEMENT, TaskLayer
from piggygan.terminal.escaping import escaped


class CheckedLoading(nn.Module):
    """A module that looks at all of a state dict before it loads any of it."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load what ``state_dict`` gave, as any module does; what does not fit is refused before anything is changed.

        A state dict has the factors themselves, and says what each task draws on, whether it is frozen, and at which
        ``factor_step`` it trains. A frozen task's is loaded into a task in training or a frozen one; into a frozen one
        with the fingerprint that :meth:`~piggygan.MultiTaskGenerator.check_frozen` compares with.

        Args:
            state_dict: All of it, or a part.
            strict: Refuse other names than those here; otherwise what is in both is loaded.
            assign: As of ``nn.Module``.

        Raises:
            InputError: If a task is in training there and frozen here, or has another ``draws_on`` or ``factor_step``,
                or would be made of another task's filters than there; if names or shapes differ.
        """
        check_state_dict(self, state_dict, "", strict)
        return super().load_state_dict(state_dict, strict, assign)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        check_state_dict(self, state_dict, prefix, strict=False)  # as part of a whole nobody says whether it is strict
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def check_state_dict(module: nn.Module, state_dict: Mapping[str, Any], prefix: str, strict: bool) -> None:
    """Refuse a state dict before any of it is loaded.

    Args:
        module: What it is to be loaded into.
        state_dict: All of it.
        prefix: Of the module's names in it.
        strict: Whether the names have to be the same.

    Raises:
        InputError: If a layer's does not fit, a shape is another one, or, if strict, a name.
    """
    for name, layer in module.named_modules(remove_duplicate=False):
        if isinstance(layer, TaskLayer):
            layer.check_fits(state_dict, f"{prefix}{name}.", strict=strict)
    here = module.state_dict(prefix=prefix)
    there = {name: tensor for name, tensor in state_dict.items() if name.startswith(prefix)}
    problems = [f"{name} is missing" for name in here.keys() - there.keys()] if strict else []
    problems += [f"{name} is not known" for name in there.keys() - here.keys()] if strict else []
    for name in here.keys() & there.keys():
        found, needed = (_form(value) for value in (there[name], here[name]))
        if not name.endswith(STATEMENT) and found != needed:
            problems.append(f"{name} is {found}, needed {needed}")
    if problems:
        more = f" (of {len(problems)} differences)" if len(problems) > 1 else ""
        raise InputError(
            f"this state dict is of another model: {escaped(min(problems))}{more}. Build it as it was built then."
        )


def _form(value: object) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else f"a {type(value).__name__}"
