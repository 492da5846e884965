"""Run: the parts of one training."""

from dataclasses import dataclass

from rl_teacher.config.run import RunConfig
from rl_teacher.core.streams import Streams
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.training.checkpointing import Checkpoints
from rl_teacher.training.clock import Clock
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.reporter import Reporter
from rl_teacher.training.world import World


@dataclass(frozen=True, slots=True)
class Run:
    """What does not change while a run goes on, and the parts that keep state of their own."""

    config: RunConfig
    world: World
    streams: Streams
    learner: PreferenceLearner | None
    """None with `-p rl`: nobody is asked, and the agent learns from the true reward."""
    episodes: EpisodeTracker
    clock: Clock
    reporter: Reporter
    checkpoints: Checkpoints
    interrupt: Interrupt
