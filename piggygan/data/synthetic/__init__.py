"""Facades with their labels and chest X-rays with their lungs, drawn from a seed: nothing has to be downloaded."""

from piggygan.data.synthetic.facades import generate_facade, write_facades
from piggygan.data.synthetic.xrays import generate_xray, write_xrays

__all__ = ["generate_facade", "generate_xray", "write_facades", "write_xrays"]
