"""What is kept on disk of a run: its folder, lock, labels, checkpoint and metrics."""
