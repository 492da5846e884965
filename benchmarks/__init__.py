"""Measurements; each prints its figures by a command."""
