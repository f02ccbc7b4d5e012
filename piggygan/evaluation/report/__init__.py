"""Reports: figures as PNG, and one self-contained HTML page that holds them."""
