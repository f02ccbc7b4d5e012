"""What is made from the sources for the pages: ``python -m tools.public_names``, ``python -m tools.drawing``."""
