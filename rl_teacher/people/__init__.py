"""People as teachers: what was asked becomes clips on the feedback server, answers come back, and nothing waits."""
