"""Reward models: what is learned from the answers."""
