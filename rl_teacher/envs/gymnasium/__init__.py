"""Environments of Gymnasium: by their id, or as objects that exist already."""
