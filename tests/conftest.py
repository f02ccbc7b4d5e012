"""What all tests share."""

from hypothesis import settings

# The first example pays for imports and warm-up, and shared machines stutter: a deadline would measure those.
settings.register_profile("piggygan", deadline=None, derandomize=True)
settings.load_profile("piggygan")
