"""What all tests share."""

import torch
from hypothesis import settings

# The first example pays for imports and warm-up, and shared machines stutter: a deadline would measure those.
settings.register_profile("piggygan", deadline=None, derandomize=True)
settings.load_profile("piggygan")

# The tensors here are tiny: a second thread costs more than it gives, many times more on a busy machine.
torch.set_num_threads(1)
