"""PNG and JPEG: looked through before they are decoded, then decoded completely or not at all."""
