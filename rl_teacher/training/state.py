"""TeachState: what an iteration changes."""

from dataclasses import dataclass

from rl_teacher.protocols import Agent


@dataclass(frozen=True, slots=True)
class TeachState:
    """Where a training stands; environments and learner keep the rest themselves."""

    iteration: int
    """Turns of the loop so far, the one before training included."""
    steps: int
    """Environment steps of the agent so far."""
    agent: Agent
