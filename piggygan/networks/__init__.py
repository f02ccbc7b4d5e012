"""The generators and the discriminator of pix2pix and CycleGAN.

Layer names are those of the public pytorch-CycleGAN-and-pix2pix, so state dicts saved there load here.
"""

from piggygan.networks.initialization import initialize
from piggygan.networks.normalization import NormKind
from piggygan.networks.padding import ReflectionPad
from piggygan.networks.patch import PatchDiscriminator
from piggygan.networks.resnet import ResNetGenerator
from piggygan.networks.unet import UNetGenerator
from piggygan.networks.upsampling import Upsampling

__all__ = [
    "NormKind",
    "PatchDiscriminator",
    "ReflectionPad",
    "ResNetGenerator",
    "UNetGenerator",
    "Upsampling",
    "initialize",
]
