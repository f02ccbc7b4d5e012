"""Stopping a training and going on from where it stopped, to the same bytes."""
