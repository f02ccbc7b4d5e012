"""What platforms that run containers say by variables of the environment, and where they look for what was made.

mercure gives a container MERCURE_IN_DIR and MERCURE_OUT_DIR, and sends on the DICOM files that lie in the latter;
MONAI Deploy gives MONAI_INPUTPATH and MONAI_OUTPUTPATH. Which registry and task a container is for stands in
PIGGYGAN_REGISTRY and PIGGYGAN_TASK, which its image or whoever starts it sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from piggygan.errors import ConfigurationError
from piggygan.files.durable import write_durably
from piggygan.prediction.predictions import Predictions

FLAG = "--from-environment"
PLATFORMS = (("MERCURE_IN_DIR", "MERCURE_OUT_DIR"), ("MONAI_INPUTPATH", "MONAI_OUTPUTPATH"))
OF_MERCURE = "piggygan"
"""Folder in mercure's in which everything is made; what it is to send on is then laid beside it."""


def words_of_environment(environment: Mapping[str, str]) -> list[str]:
    """Say in words of ``piggygan predict`` what variables of the environment say.

    Raises:
        ConfigurationError: If one is missing, or two platforms speak.

    Example:
        >>> words_of_environment({"PIGGYGAN_REGISTRY": "/registry", "PIGGYGAN_TASK": "lungs",
        ...     "MONAI_INPUTPATH": "/var/in", "MONAI_OUTPUTPATH": "/var/out"})
        ['/registry', '/var/in', '--task', 'lungs', '--out', '/var/out', '--recursive']
    """
    spoken = [pair for pair in PLATFORMS if any(environment.get(name) for name in pair)]
    if len(spoken) != 1:
        pairs = " or ".join(" and ".join(pair) for pair in PLATFORMS)
        raise ConfigurationError(f"{FLAG} takes the folders from {pairs}: {'both' if spoken else 'none'} are set.")
    names = (*spoken[0], "PIGGYGAN_REGISTRY", "PIGGYGAN_TASK")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise ConfigurationError(f"{FLAG} needs {' and '.join(missing)} to be set.")
    films, out, registry = (str(Path(environment[name]).absolute()) for name in names[:3])
    if spoken[0] == PLATFORMS[0]:
        out = str(Path(out) / OF_MERCURE)
    return [registry, films, "--task", environment["PIGGYGAN_TASK"], "--out", out, "--recursive"]


def hand_over(predictions: Predictions, out: Path, environment: Mapping[str, str]) -> None:
    """Lay the Segmentations where a platform looks for them, each called by its SOP Instance UID.

    Raises:
        OSError: If one cannot be written.
    """
    if not environment.get(PLATFORMS[0][1]):
        return
    for file in predictions.predicted():
        if "segmentations" in file.outputs:
            content = (out / file.outputs["segmentations"]).read_bytes()
            write_durably(out.parent / f"{file.instances['segmentations']}.dcm", content)
