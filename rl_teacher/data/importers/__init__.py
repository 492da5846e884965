"""Preference data in the forms of others, read as comparisons."""
