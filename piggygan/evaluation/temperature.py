"""Temperature: one number that makes what a network of masks says as sure as it is right.

C. Guo et al., On calibration of modern neural networks, ICML 2017. A network's output ``x`` in [-1, 1] is read as the
logit ``2 atanh(x)``, whose probability at temperature 1 is ``(x + 1) / 2``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float

CALIBRATION = "calibration"
"""What the attachment of a task is called that holds its temperature."""
COOLEST, HOTTEST = 0.1, 10.0
"""Between these a temperature is looked for."""
_EDGE = 1 - 1e-6
_FARTHEST = 15.0
_BINS = 3000
_STEPS = 401


def logits_of(output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Read outputs in [-1, 1] as logits, in float64; beyond 14.5 they are not told apart.

    Example:
        >>> [round(one, 3) for one in logits_of(torch.tensor([0.0, 1.0])).tolist()]
        [0.0, 14.509]
    """
    return 2 * torch.atanh(output.double().clamp(-_EDGE, _EDGE))


def probabilities_of(output: Float[Tensor, "*shape"], temperature: float = 1.0) -> Float[Tensor, "*shape"]:
    """Read outputs in [-1, 1] as probabilities of foreground, in float64; an output of 0 is always 0.5.

    Example:
        >>> [round(float(one), 3) for one in probabilities_of(torch.tensor([0.0, 0.8]), 2.0)]
        [0.5, 0.75]
    """
    return torch.sigmoid(logits_of(output) / temperature)


class TemperatureFit:
    """Counts how often each logit was foreground, and finds the temperature that these are likeliest at.

    What it holds does not grow with the pictures.

    Example:
        >>> fit = TemperatureFit()
        >>> fit.update(torch.full((4,), 0.9), torch.tensor([1.0, 1.0, 1.0, -1.0]))  # sure by 95 %, right in 75 %
        >>> fit.update(torch.tensor([-0.9]), torch.tensor([-1.0]))
        >>> fit.temperature() > 1
        True
    """

    def __init__(self) -> None:
        self._counts = torch.zeros(2, _BINS, dtype=torch.float64)

    def update(self, output: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"]) -> None:
        """Count the pixels of some outputs, in [-1, 1], whose targets are foreground above 0."""
        place = ((logits_of(output).flatten().cpu() / _FARTHEST + 1) / 2 * _BINS).long().clamp(0, _BINS - 1)
        is_true = (target.flatten().cpu() > 0).long()
        found = torch.bincount(is_true * _BINS + place, minlength=2 * _BINS)
        self._counts += found.view(2, _BINS)

    def temperature(self) -> float | None:
        """Return the likeliest temperature; None if there was no foreground, or nothing else."""
        if not bool((self._counts.sum(1) > 0).all()):
            return None
        coarse = torch.linspace(0, 1, _STEPS, dtype=torch.float64)
        candidates = COOLEST * (HOTTEST / COOLEST) ** coarse
        best = int(self._surprises(candidates).argmin())
        low, high = candidates[max(0, best - 1)], candidates[min(_STEPS - 1, best + 1)]
        fine = low + (high - low) * coarse
        return float(f"{float(fine[self._surprises(fine).argmin()]):.4g}")

    def _surprises(self, temperatures: Float[Tensor, " candidates"]) -> Float[Tensor, " candidates"]:
        """Add up the negative logarithms of the likelihoods of what was seen."""
        centres = ((torch.arange(_BINS, dtype=torch.float64) + 0.5) / _BINS * 2 - 1) * _FARTHEST
        scaled = centres / temperatures[:, None]
        log = torch.nn.functional.logsigmoid
        return -(log(-scaled) @ self._counts[0] + log(scaled) @ self._counts[1])


def temperature_tensors(temperature: float) -> dict[str, Tensor]:
    """Give a temperature as an attachment keeps it."""
    return {"temperature": torch.tensor([temperature], dtype=torch.float64)}


def temperature_of(tensors: Mapping[str, Tensor]) -> float:
    """Take a temperature from an attachment.

    Raises:
        InputError: If it is none.

    Example:
        >>> temperature_of(temperature_tensors(1.5))
        1.5
    """
    try:
        found = float(tensors["temperature"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError("the attachment 'calibration' is not what train keeps: it has no temperature.") from error
    if not COOLEST <= found <= HOTTEST:
        raise InputError(f"the attachment 'calibration' says temperature {found:g}; it is {COOLEST:g} to {HOTTEST:g}.")
    return found
