"""`rl-teacher label`: people, or a program, compare segments of a data set, and a reward is fitted to their answers."""
