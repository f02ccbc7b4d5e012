"""Scores: how good a task's outputs are, and what learning later tasks did to them."""
