"""Pages, pictures and cards, made from what is written down alone."""
