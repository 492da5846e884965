"""From simulator states to frames, and from frames to clips."""
