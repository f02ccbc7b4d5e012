"""A sweep: one task learned with several settings and seeds, each in a folder of its own, ranked by validation."""
