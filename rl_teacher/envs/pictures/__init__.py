"""Observations that are pictures: which are, how they are made smaller, and how the newest few are stacked."""
