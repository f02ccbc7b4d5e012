"""Files are read to the processor's memory, whatever device a program makes its own tensors on."""

from pathlib import Path

import torch

from piggygan.data import PairAugmentation, PairDataset
from piggygan.data.batches import EpochSampler
from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays


def test_pairs_are_the_same_under_another_default_device(tmp_path: Path) -> None:
    write_facades(tmp_path / "facades", 3, 32, seed=0)
    write_xrays(tmp_path / "xrays", 3, 32, seed=0)

    def read() -> list[torch.Tensor]:
        augmentation = PairAugmentation(zoom=(0.9, 1.1), rotation_degrees=8.0, contrast=0.2)
        sides = PairDataset.side_by_side(tmp_path / "facades", 32, augmentation=augmentation)
        films = PairDataset.with_masks(tmp_path / "xrays" / "images", tmp_path / "xrays" / "masks", 32)
        # torch's own DataLoader draws its seed on the default device, so the order is asked of the sampler alone.
        return [tensor for pairs in (sides, films) for index in orders(pairs) for tensor in pairs[index][:2]]

    def orders(pairs: PairDataset) -> list[int]:
        return list(EpochSampler(pairs, seed=1))

    expected = read()
    with torch.device("meta"):
        found = read()
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))
