"""What a clip worker needs to draw steps of a run's environment."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rl_teacher.core.arrays import NO_END
from rl_teacher.core.segment import Segment
from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.task import MODELS
from rl_teacher.errors import VideoFault
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.video.clip_size import clip_px

if TYPE_CHECKING:
    from rl_teacher.video.jobs import Content, Replay, States

ENDING_HOLD_SECONDS = 0.6
"""How long clips hold their last picture where episodes can end: an end at a clip's last step must be readable."""


def content_of(spec: EnvSpec, history: ActionHistory | None, size: int | None = None) -> Callable[[Segment], "Content"]:
    """What a clip worker needs to draw a segment: simulator states of a task, or else the episode up to its end.

    Args:
        spec: of the environment.
        history: of all rollouts; None for tasks, which are drawn from their states.
        size: width and height of what is drawn from states [pixels]; None: what this machine draws beside a training.
    """
    if history is None:
        return lambda segment: _from_states(spec, segment, size)
    return lambda segment: _played_again(spec, history, segment)


def _from_states(spec: EnvSpec, segment: Segment, size: int | None) -> "States":
    from rl_teacher.video.jobs import States  # here, so that a run without pictures loads neither FFmpeg nor OpenGL

    task, px = find_task(spec.canonical_id), size or clip_px()
    return States(MODELS / task.model_file, task.camera, segment.sim_state, px, px, num_still=num_still(segment))


def _played_again(spec: EnvSpec, history: ActionHistory, segment: Segment) -> "Replay":
    from rl_teacher.video.encode import HOLD_SECONDS
    from rl_teacher.video.jobs import Replay

    still = num_still(segment)
    end = segment.start + len(segment) - (still or 0)
    found = history.find(segment.iteration, segment.env, segment.episode, end)
    if found is None:
        raise VideoFault(f"env {spec.env_id!r}: the start of a segment's episode is not known any more.")
    return Replay(
        spec, found.seed, found.actions, segment.start, segment.obs[0],
        num_still=still, hold_seconds=HOLD_SECONDS if spec.is_fixed_horizon else ENDING_HOLD_SECONDS,
    )  # fmt: skip


def num_still(segment: Segment) -> int | None:
    """Steps after the end of its episode, where nothing moves; None if it did not end."""
    return None if segment.end == NO_END else len(segment) - segment.end
