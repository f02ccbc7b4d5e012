"""Bytes that survive a power cut and are checked when they come back."""
