"""What random actions reach on each task: the zero of every score."""

PAPER_TASKS = (
    "ShortHopper-v1", "ShortWalker-v1", "ShortHalfCheetah-v1", "ShortReacher-v1", "ShortSwimmer-v1", "ShortAnt-v1",
    "ShortHumanoid-v1", "Pendulum-v1", "DoublePendulum-v1",
)  # fmt: skip
"""The nine tasks, in their short form where they have one."""

RANDOM_RETURNS: dict[str, float] = {
    "Reacher-v1": -9.6, "ShortReacher-v1": -4.4, "Hopper-v1": 197, "ShortHopper-v1": 103, "Walker-v1": -724,
    "ShortWalker-v1": -184, "HalfCheetah-v1": -81, "ShortHalfCheetah-v1": -25, "Swimmer-v1": 1.6,
    "ShortSwimmer-v1": 0.7, "Ant-v1": -842, "ShortAnt-v1": -205, "Humanoid-v1": -4287, "ShortHumanoid-v1": -1135,
    "Pendulum-v1": -7.7, "DoublePendulum-v1": -198,
}  # fmt: skip
"""Mean true return of uniform random actions, 256 episodes; tests/envs/test_returns.py measures the same."""
