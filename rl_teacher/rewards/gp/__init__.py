"""A Gaussian process as reward model."""
