"""The DICOM node: films come in by C-STORE, wait on disk, are translated, and their masks go on by C-STORE."""
