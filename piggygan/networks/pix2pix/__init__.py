"""Networks in other programs' files: generators of the public pytorch-CycleGAN-and-pix2pix, in and out.

Its files are pickles, the only ones that piggygan ever opens, and only in
:mod:`piggygan.networks.pix2pix.pickles`. Convert one once, and keep the registry.
"""

from piggygan.networks.pix2pix.generators import load_pix2pix_generator, pix2pix_options, save_pix2pix_generator

__all__ = ["load_pix2pix_generator", "pix2pix_options", "save_pix2pix_generator"]
