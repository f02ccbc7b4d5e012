"""What is learned from a batch: pix2pix, supervised, CycleGAN."""
