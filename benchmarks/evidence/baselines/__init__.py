"""What one would do otherwise: each way of learning task after task in a file of its own, plain and small."""
