"""Generated chest radiographs with the mask of their lungs, for demonstrations and tests.

They stand in for a clinic's DICOM files: computed radiography, 12 bits stored in 16, of both MONOCHROME kinds.
No patient is behind them, and their headers say so.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from piggygan.data.synthetic.bones import ribs, shoulder_bones, spine, vessels
from piggygan.data.synthetic.canvas import check_count, check_seed, check_side, generator_of, smooth_noise
from piggygan.data.synthetic.chest import (
    Chest,
    Plane,
    Side,
    abdomen_distance,
    body_distance,
    draw_chest,
    heart_distance,
    lung_distance,
    softened,
)
from piggygan.data.synthetic.detector import BITS_STORED, LARGEST_STORED, detected

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, UInt16
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

    Field = Float32[np.ndarray, "size size"]

_FILM_SIDE: Final = 400.0  # mm
# Attributes of type 2 must be present, and may be empty.
_EMPTY_BY_RIGHT: Final = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def generate_xray(
    rng: np.random.Generator, size: int
) -> tuple[UInt16[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
    """Draw one chest radiograph, PA, and the mask of its lungs.

    Args:
        rng: The generator, which is advanced. Generators in the same state give the same patient at every size.
        size: Side of the square picture in pixels, 32 to 4096.

    Returns:
        Stored values of 12 bits, 0..4095, bright where the body is dense (MONOCHROME2), and a mask that is true in
        both lung fields: without heart and mediastinum, above the diaphragm.

    Raises:
        ConfigurationError: If ``size`` is outside its range.

    Example:
        >>> stored, mask = generate_xray(np.random.default_rng(7), size=64)
        >>> stored.dtype, stored.shape, mask.dtype
        (dtype('uint16'), (64, 64), dtype('bool'))
    """
    check_side(size)
    size = int(size)  # a number of 8 bits cannot be multiplied
    chest = draw_chest(rng)
    plane = Plane(rng, size)
    heart = heart_distance(chest, plane)
    right = lung_distance(plane, chest.right, -1.0, heart)
    left = lung_distance(plane, chest.left, 1.0, heart)
    density = _density(chest, plane, heart, right, left, rng)
    mask = (right > 0.0) | (left > 0.0)
    return detected(density, mask, rng), mask


def write_xrays(folder: Path | str, count: int, size: int, seed: int) -> list[tuple[Path, Path]]:
    """Write radiographs as DICOM files and the masks of their lungs as PNG.

    ``images/000.dcm`` belongs to ``masks/000.png``, and so on. A mask is 8-bit, 0 and 255. Every third
    radiograph is MONOCHROME1: its stored values are those of :func:`generate_xray`, inverted. Picture ``i``
    depends on ``seed``, ``size`` and ``i`` only, so a larger ``count`` adds files and changes none.

    Args:
        folder: Made if it does not exist.
        count: How many radiographs, at least 1.
        size: Side in pixels, 32 to 4096.
        seed: At least 0. The same arguments write the same bytes, unique identifiers included.

    Returns:
        The image and mask file of every radiograph, in order.

    Raises:
        ConfigurationError: If ``count``, ``size`` or ``seed`` is outside its range; nothing is written then.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     [(image.name, mask.name) for image, mask in write_xrays(folder, 2, 32, seed=0)]
        [('000.dcm', '000.png'), ('001.dcm', '001.png')]
    """
    check_count(count)
    check_side(size)
    check_seed(seed)
    images, masks = Path(folder) / "images", Path(folder) / "masks"
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    written = []
    for index in range(count):
        stored, mask = generate_xray(generator_of(seed, index), size)
        image_path, mask_path = images / f"{index:03d}.dcm", masks / f"{index:03d}.png"
        _radiograph(stored, index, seed).save_as(image_path, enforce_file_format=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(mask_path)
        written.append((image_path, mask_path))
    return written


def _radiograph(stored: UInt16[np.ndarray, "size size"], index: int, seed: int) -> Dataset:
    """Put stored values into a Computed Radiography image (DICOM PS3.3 A.2) of a patient who is none."""
    # Only here: whoever draws facades need not load pydicom.
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

    is_inverted = index % 3 == 2
    values = (LARGEST_STORED - stored if is_inverted else stored).astype("<u2")
    side = int(stored.shape[0])
    instance = _identifier("instance", seed, index, side)

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Without these pydicom signs with its own version, and other versions would write other bytes.
    meta.ImplementationClassUID = _identifier("implementation")
    meta.ImplementationVersionName = "PIGGYGAN"

    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID = ComputedRadiographyImageStorage
    image.SOPInstanceUID = instance
    image.StudyInstanceUID = _identifier("study", seed, index, side)
    image.SeriesInstanceUID = _identifier("series", seed, index, side)
    image.PatientName = "SYNTHETIC^CHEST"
    image.PatientID = f"SYNTHETIC-{index:03d}"
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = "Generated by a program: there is no patient"
    image.ImageType = ["DERIVED", "PRIMARY"]
    image.DerivationDescription = "Generated by a program"
    image.Modality = "CR"
    image.Manufacturer = "piggygan"
    image.BodyPartExamined = "CHEST"
    image.ViewPosition = "PA"
    image.PatientOrientation = ["L", "F"]
    image.SeriesNumber, image.InstanceNumber = 1, 1
    for keyword in _EMPTY_BY_RIGHT:
        setattr(image, keyword, "")
    image.BurnedInAnnotation = "NO"
    image.ImagerPixelSpacing = [round(_FILM_SIDE / side, 4)] * 2
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME1" if is_inverted else "MONOCHROME2"
    image.Rows = image.Columns = side
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, BITS_STORED, BITS_STORED - 1
    image.PixelRepresentation = 0
    image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 1, 0, "US"
    low, high = np.percentile(values, (0.5, 99.5))
    image.WindowCenter = round(float(low + high) / 2)
    image.WindowWidth = max(1, round(float(high - low)))
    image.PixelData = values.tobytes()
    return image


def _identifier(*parts: str | int) -> UID:
    """Derive a DICOM unique identifier from a name, in the UUID form of PS3.5 B.2."""
    from pydicom.uid import UID

    name = "/".join(["piggygan", "synthetic", *(str(part) for part in parts)])
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, name).int}")


def _density(chest: Chest, plane: Plane, heart: Field, right: Field, left: Field, rng: np.random.Generator) -> Field:
    """Add up what the rays pass, 0 in air to about 1 through the middle of the abdomen."""
    body = body_distance(chest, plane)
    density = 0.60 * np.clip(body / 0.45, 0.0, 1.0) ** 0.45 * softened(body, 0.02)
    below = _abdomen(chest, plane)
    density += (0.17 + 0.035 * smooth_noise(rng, plane.size, (5, 6), octaves=3)) * below
    density += 0.012 * smooth_noise(rng, plane.size, (14, 14), octaves=2) * softened(body, 0.02)
    density += 0.20 * softened(heart, 0.05) * (1.0 - 0.5 * below) * np.clip(0.65 + 2.0 * heart, 0.0, 1.0)
    density += (0.05 + 0.05 * (plane.y < 0.2)) * softened(0.13 - np.abs(plane.x), 0.06)
    for side, sign, lung in ((chest.right, -1.0, right), (chest.left, 1.0, left)):
        density -= _air(side, sign, lung, plane, rng)
    density += _soft_tissue(chest, plane)
    back, front = ribs(chest, plane)
    inside = softened(body - 0.03, 0.06)
    rib_light = (1.0 - 0.65 * below) * inside * (1.0 - 0.6 * softened(heart, 0.05))
    density += chest.bone * (0.75 * back + 0.50 * front) * rib_light
    density += 0.16 * shoulder_bones(chest, plane, rng) * softened(body, 0.02)
    density += 0.075 * spine(plane) * inside
    lungs = softened(np.maximum(right, left), 0.05)
    density += 0.11 * vessels(chest, plane, rng) * lungs
    return np.asarray(np.maximum(density, 0.0), dtype=np.float32)


def _abdomen(chest: Chest, plane: Plane) -> Field:
    """Return 1 below the diaphragm and 0 above it; between its domes one runs into the other."""
    right = softened(abdomen_distance(plane, chest.right, -1.0), 0.035)
    left = softened(abdomen_distance(plane, chest.left, 1.0), 0.035)
    share = softened(plane.x, 0.20)
    return np.asarray(((1.0 - share) * right + share * left), dtype=np.float32)


def _air(side: Side, sign: float, lung: Field, plane: Plane, rng: np.random.Generator) -> Field:
    """Return how much less dense one lung is than the flesh around it, with its haze and consolidations."""
    depth = 0.72 + 0.28 * np.clip(lung / 0.16, 0.0, 1.0)
    patches = np.clip(0.5 + 0.8 * smooth_noise(rng, plane.size, (7, 7), octaves=3), 0.0, 1.5)
    opacity = side.opacity * patches
    is_consolidated = rng.uniform() < 0.18
    across = rng.uniform(0.30, 0.85) * side.wall
    down = rng.uniform(side.apex + 0.35, side.dome)
    radius = rng.uniform(0.10, 0.22, size=2)
    if is_consolidated:
        distance = ((sign * plane.x - across) / radius[0]) ** 2 + ((plane.y - down) / radius[1]) ** 2
        opacity = opacity + 0.85 * np.exp(-distance) * (0.7 + 0.5 * patches)
    return np.asarray((0.47 * softened(lung, 0.035) * depth * (1.0 - np.clip(opacity, 0.0, 0.85))), dtype=np.float32)


def _soft_tissue(chest: Chest, plane: Plane) -> Field:
    """Return breasts, the windpipe and the stomach's gas: what changes the picture and moves no edge of a lung."""
    total = np.zeros_like(plane.x)
    for side, sign in ((chest.right, -1.0), (chest.left, 1.0)):
        across = (sign * plane.x - 0.62 * side.wall) / 0.36
        down = (plane.y - (side.dome - 0.22)) / 0.36
        total += (
            chest.breast * np.clip(1.0 - across**2 - down**2, 0.0, 1.0) ** 0.5 * (0.55 + 0.45 * np.clip(down, -1, 1))
        )
    pipe = 0.045 - np.abs(plane.x - 0.015)
    carina = chest.left.apex + 0.42
    total -= 0.13 * softened(pipe, 0.035) * softened(carina - plane.y, 0.10)
    bubble = 1.0 - np.hypot((plane.x - 0.34) / 0.16, (plane.y - (chest.left.dome + 0.13)) / 0.075)
    return np.asarray(total - chest.gas * softened(0.1 * bubble, 0.07), dtype=np.float32)
