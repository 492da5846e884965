"""A ranking of clips, from worst to best, derived from the answers to comparisons alone: NumPy, no JAX, no files."""
