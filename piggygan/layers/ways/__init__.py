"""Equal ways to compute one layer, and which of them is cheapest."""
