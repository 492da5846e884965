"""Whole experiments as folders: written out, read in."""
