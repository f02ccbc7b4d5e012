"""Images, masks, DICOM files and pairs of them, as tensors in [-1, 1]."""

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.batches import EpochSampler, PairBatch, batches, collate_pairs
from piggygan.data.decoded import SkippedFile
from piggygan.data.dicom.description import DicomDescription, DicomRequirements
from piggygan.data.dicom.image import describe_dicom, read_dicom
from piggygan.data.folders import PairFiles, list_images_with_masks, list_side_by_side
from piggygan.data.images import read_image, write_image
from piggygan.data.mask_reader import MaskReader
from piggygan.data.masks import read_mask
from piggygan.data.pairs import Pair, PairDataset
from piggygan.data.palette import CMP_PALETTE, FacadeClass
from piggygan.data.readers import PairReader, PictureReader, SideBySideReader
from piggygan.data.splits import patients_on_two_sides, read_splits, side_of, split_by_patient, write_splits
from piggygan.data.unpaired import Matching, UnpairedDataset
from piggygan.data.untrusted.reader import UntrustedReader

__all__ = [
    "CMP_PALETTE",
    "DicomDescription",
    "DicomRequirements",
    "EpochSampler",
    "FacadeClass",
    "MaskReader",
    "Matching",
    "Pair",
    "PairAugmentation",
    "PairBatch",
    "PairDataset",
    "PairFiles",
    "PairReader",
    "PictureReader",
    "SideBySideReader",
    "SkippedFile",
    "UnpairedDataset",
    "UntrustedReader",
    "batches",
    "collate_pairs",
    "describe_dicom",
    "list_images_with_masks",
    "list_side_by_side",
    "patients_on_two_sides",
    "read_dicom",
    "read_image",
    "read_mask",
    "read_splits",
    "side_of",
    "split_by_patient",
    "write_image",
    "write_splits",
]
