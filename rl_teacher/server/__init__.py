"""The feedback server: where people compare clips."""
