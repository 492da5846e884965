"""Benchmarks: many trainings from one page of settings, and the table and picture of what they reached."""
