"""How good the methods are, what they forget and what they store; ``baselines`` are the others than ours."""
