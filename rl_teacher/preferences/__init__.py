"""From rollouts to comparisons: segments, the pool, selection, schedules, the dataset."""
