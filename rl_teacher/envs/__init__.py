"""Environments: the nine tasks on mujoco.batch, and any Gymnasium id."""
