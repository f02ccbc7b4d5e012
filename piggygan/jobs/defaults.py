"""What is learned with where nothing else was said: for each kind of data the best that our evidence knows.

| option | pairs | masks | unpaired | from |
|---|---|---|---|---|
| objective | pix2pix | supervised, L1 1 and Dice 1 | cyclegan | pairs: Isola et al. 2017; unpaired: Zhu et al. 2017; masks: validated Dice 0.962 against 0.954 (pix2pix) and 0.958 (pix2pix with Dice), ``docs/benchmarks/course_report`` |
| learning rate | 2e-4 | 2e-4 | 2e-4 | the papers; masks: 0.962 against 0.961 at 8e-4, the same place, and docs/evidence.md |
| batch | 4 | 4 | 1 | docs/evidence.md, all of it; unpaired: Zhu et al. |
| variations | flips and crops of 286 to 256 | flips, turned by 8 degrees, 0.85 to 1.15 times as large, lighter and darker | as pairs; masks: none | Isola et al.; masks: those of the same benchmark; unpaired: docs/decisions.md |
| epochs | 200 | 200 | 200 | the papers; masks: Dice 0.942 after 200 epochs, 0.939 after 120 (docs/decisions.md) |
| there and back | | | 10 and 10; masks: 1 for films, noise on what discriminators see, and they see all of it | Zhu et al.; masks: docs/decisions.md |
| norm | batch | batch | instance | the papers |
"""  # noqa: E501  # a row of the table is one line

from __future__ import annotations

import math
from dataclasses import replace

from piggygan.data.augmentation import PairAugmentation
from piggygan.errors import ConfigurationError
from piggygan.jobs.config import AugmentationName, LearningConfig, NetworkConfig, ObjectiveName
from piggygan.jobs.data import TaskData
from piggygan.jobs.networks import RESNETS, UNETS, WIDTH, is_own, unet_for
from piggygan.jobs.source import Form, Kind, Variations

SIZE = 256
EPOCHS = 200
LEARNING_RATE = 2e-4
OBJECTIVES: dict[Kind, ObjectiveName] = {"pairs": "pix2pix", "masks": "supervised", "unpaired": "cyclegan"}
AUGMENTATIONS: dict[Form, AugmentationName] = {
    "pairs": "pix2pix",
    "masks": "films",
    "unpaired": "pix2pix",
    "masks apart": "none",  # where they lie and how large they are is all that tells a discriminator what they mark
}
VARIATIONS: dict[AugmentationName, PairAugmentation | None] = {
    "none": None,
    "pix2pix": PairAugmentation.pix2pix(),
    "films": PairAugmentation(zoom=(0.85, 1.15), rotation_degrees=8.0, contrast=0.2, brightness=0.2),
}
VALIDATING = 0.01
"""Share of the time that looking at the validation side may take, by default."""
_STEPS_OF_A_LOOK = 0.25
"""What looking at a picture costs, as a share of learning from one: no discriminator, no gradients, no step."""
_LAYERS = 3


def variations(name: AugmentationName | None) -> Variations:
    """Return how what is learned from is varied by a name; without one, by its form."""
    if name is not None:
        return VARIATIONS[name]
    return {form: found for form, chosen in AUGMENTATIONS.items() if (found := VARIATIONS[chosen]) is not None}


def settled_network(config: NetworkConfig, size: int, *, unpaired: bool) -> NetworkConfig:
    """Fill in what was not said of a new registry's network.

    Raises:
        ConfigurationError: If no U-Net suits the size.
    """
    net = config.net
    if net is None:
        net = RESNETS[size >= SIZE] if unpaired else unet_for(size)
    if is_own(net):
        return replace(config, net=net, size=size, width=config.width or WIDTH)
    is_unet = net in UNETS
    return replace(
        config,
        net=net,
        size=size,
        width=config.width or WIDTH,
        norm=config.norm or ("batch" if is_unet else "instance"),
        dropout=config.dropout if config.dropout is not None else is_unet,
    )


def settled_learning(config: LearningConfig, data: TaskData, size: int) -> LearningConfig:
    """Fill in what was not said of how a task is learned.

    Raises:
        ConfigurationError: If the objective cannot learn from such data.
    """
    objective = config.objective or OBJECTIVES[data.kind]
    _check_objective(objective, data)
    masks = objective == "supervised" and data.kind == "masks"
    unpaired_masks = data.form == "masks apart"
    epochs = config.epochs or EPOCHS
    return replace(
        config,
        objective=objective,
        epochs=epochs,
        batch_size=config.batch_size or min(1 if data.is_unpaired else 4, len(data.train)),
        learning_rate=_or(config.learning_rate, LEARNING_RATE),
        augmentation=config.augmentation or AUGMENTATIONS[data.form],
        l1_weight=_or(config.l1_weight, 1.0 if masks else 100.0),
        dice_weight=_or(config.dice_weight, 1.0 if masks else 0.0),
        forward_cycle_weight=_or(config.forward_cycle_weight, config.cycle_weight * (0.1 if unpaired_masks else 1.0)),
        instance_noise=_or(config.instance_noise, 0.2 if unpaired_masks else 0.0),
        identity_weight=_or(config.identity_weight, 0.5 if data.in_channels == data.out_channels else 0.0),
        discriminator_layers=config.discriminator_layers or _layers(size, sees_all=unpaired_masks),
        validate_every=config.validate_every or min(epochs, every_so_often(len(data.train), len(data.validation))),
    )


def every_so_often(learned: int, validated: int) -> int:
    """Say in how many epochs the validation side costs about one hundredth of the time.

    Example:
        >>> every_so_often(700, 100)
        4
    """
    return max(1, math.ceil(_STEPS_OF_A_LOOK * validated / (VALIDATING * learned)))


def _layers(size: int, *, sees_all: bool) -> int:
    """Say how often a discriminator halves a picture: at most until a patch is all of it, or of 70 pixels."""
    most = max(1, int(math.log2(max(size, 6) / 3)))
    enough = math.ceil(math.log2((size + 2) / 9)) if sees_all else _LAYERS  # a patch has 9 * 2 ** layers - 2 pixels
    return min(most, max(1, enough))


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _check_objective(objective: ObjectiveName, data: TaskData) -> None:
    if data.is_unpaired and objective != "cyclegan":
        raise ConfigurationError(
            f"the data are two unpaired sides, and --objective {objective} learns from others: take --objective "
            f"cyclegan, or leave it out."
        )
