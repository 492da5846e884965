"""The run folder: configuration, checkpoints, labels, metrics, plots."""
