"""Teach reinforcement-learning agents from human preferences."""
