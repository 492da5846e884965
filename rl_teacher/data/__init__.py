"""Preference data and data sets as files: in, out, checked and relabeled."""
