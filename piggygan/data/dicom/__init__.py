"""DICOM: what a file says of its pixels, the pixels themselves, and which image it is."""
