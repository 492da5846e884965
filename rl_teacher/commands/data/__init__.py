"""What `rl-teacher data` does."""
