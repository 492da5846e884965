"""Agents: what learns to act from a reward."""
