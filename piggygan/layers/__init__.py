"""One convolution, many tasks: what each stores, how its kernel is made, and what is kept of it."""
