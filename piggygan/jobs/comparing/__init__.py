"""A committed task learned once more by other methods, and what came of them."""
