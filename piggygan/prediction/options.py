"""What can be chosen when a task predicts."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, get_args

import torch

from piggygan.errors import ConfigurationError
from piggygan.prediction.rules import rules_of

Fit = Literal["stretch", "pad", "tile"]
"""How a picture comes to the network's size."""
Patient = Literal["copy", "empty", "pseudonym"]
"""Whom a DICOM file that is made of a film names as its patient."""
Viewer = Literal["any", "ohif"]
"""Which viewer a DICOM Segmentation is for."""
Kind = Literal["mask", "picture"]
"""What a task makes."""
USUAL_SIZE = 256
"""Side in pixels of pix2pix's pictures, for tasks of which nobody said at what size they were trained."""


@dataclass(frozen=True)
class PredictionOptions:
    """How pictures are brought to the network, and what is done with its output.

    The defaults are what :class:`~piggygan.data.PairDataset` did in training. Grey values need no option: training and
    predicting read files by the same function.

    Raises:
        ConfigurationError: If a value is outside its range.

    Example:
        >>> PredictionOptions(fit="pad", largest=2, fill_holes=True).batch_size
        1
    """

    size: int | None = None
    """Side of the square that the network gets, in pixels; by default the one that the registry says the task was
    trained on, and 256 where it does not say."""
    fit: Fit = "stretch"
    """How a picture comes to that size: stretched, as in training; padded, which keeps proportions (and makes pixels of
    a DICOM file square); or cut into overlapping tiles at its own size, for tasks that need not see the whole."""
    batch_size: int = 1
    """Pictures or tiles that the network gets at once, at most: more may suit a GPU, and may change the last bits."""
    kind: Kind | None = None
    """What the task makes; by default a task of one output channel makes masks, and one of three pictures."""
    largest: int | None = None
    """Keep so many connected parts of a mask, the largest; 2 for lungs."""
    fill_holes: bool = False
    """Fill holes in masks."""
    measure: bool = False
    """Note of every mask its area in pixels and, where the film says how large these are, in square millimetres, and
    what it looks like in numbers."""
    require: str | None = None
    """What a mask has to be like, such as lungs, hearts, or rules such as "parts<=2,area=0.1..0.6"; what is not so is
    noted and said."""
    review_below: float | None = None
    """Flag masks whose Dice is expected to be below this, 0 to 1, such as 0.9, and list them first."""
    disagreement: bool = False
    """Write a picture of where the members of an ensemble disagree."""
    dicom_seg: bool = True
    """Write a DICOM Segmentation for masks of DICOM files; needs piggygan[medical]."""
    patient: Patient = "copy"
    """Whom these name: the film's patient and study, so that an archive keeps them together; nobody, for what is
    mailed; or a pseudonym, the same one for all of a patient's films that are predicted with one key."""
    patient_key: str | None = None
    """File with the secret that pseudonyms are made with, at least 16 bytes: such as of "openssl rand -hex 32"."""
    viewer: Viewer = "any"
    """OHIF draws no Segmentation of a radiograph that does not say in which plane it lies: "ohif" says the plane that
    OHIF takes radiographs to lie in, which the film does not say."""
    body_part: str | None = None
    """Refuse DICOM files that do not say that they are radiographs (CR or DX) of this part, such as CHEST."""
    untrusted: bool = False
    """Decode the files in a process of its own with limits on time and memory: for files that nobody vouches for."""
    device: str = "cpu"
    """Where to compute, as PyTorch calls it."""

    def __post_init__(self) -> None:
        for name in ("size", "batch_size", "largest"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _whole(name, getattr(self, name)))
        for name, value in (("size", self.size), ("batch_size", self.batch_size)):
            if value is not None and value < 1:
                raise ConfigurationError(f"{name} is {value}; needed is 1 or more.")
        if self.largest is not None and self.largest < 1:
            raise ConfigurationError(f"largest is {self.largest}; keep at least 1 part of a mask, or None for all.")
        for name, words in (("fit", Fit), ("kind", Kind), ("patient", Patient), ("viewer", Viewer)):
            _check_word(name, getattr(self, name), get_args(words))
        if (self.patient == "pseudonym") != (self.patient_key is not None):
            raise ConfigurationError(
                "pseudonyms are made with the secret in a file: give patient_key for 'pseudonym', and for nothing else."
            )
        if self.require is not None:
            rules_of(self.require)
        if self.review_below is not None and not 0 <= self.review_below <= 1:
            raise ConfigurationError(f"review_below is {self.review_below}; needed is a Dice, 0 to 1, such as 0.9.")
        _check_device(self.device)

    @property
    def side(self) -> int:
        """Side of the square that the network gets, in pixels."""
        return USUAL_SIZE if self.size is None else self.size


def _whole(name: str, value: Any) -> int:
    """Take a whole number of Python or NumPy as Python's, which JSON can hold."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ConfigurationError(f"{name} is {value!r}; needed is a whole number.")
    return int(value)


def _check_word(name: str, word: object, words: tuple[str, ...]) -> None:
    if word not in words and not (name == "kind" and word is None):
        there_are = " and ".join(words) if len(words) == 2 else ", ".join(words)
        raise ConfigurationError(f"{name} is {word!r}; there are {there_are}.")


def _check_device(name: str) -> None:
    """Refuse what PyTorch cannot mean; whether the device is there is seen when it is used."""
    try:
        known = torch.device(name).type != "meta"  # which computes nothing
    except RuntimeError:
        known = False
    if not known:
        raise ConfigurationError(
            f"device is {name!r}; needed is a name of PyTorch's, such as cpu, cuda for a GPU of NVIDIA or AMD, cuda:1 "
            f"for the second one, or mps."
        )
