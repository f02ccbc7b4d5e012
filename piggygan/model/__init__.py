"""A generator of many tasks: what is wrapped, what each task costs, the pair of a CycleGAN, export."""
