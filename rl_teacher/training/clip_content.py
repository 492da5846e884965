"""What a clip worker needs to draw steps of a run's environment."""

from collections.abc import Callable

from rl_teacher.core.arrays import NO_END
from rl_teacher.core.segment import Segment
from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.model_files import MODELS
from rl_teacher.errors import VideoFault
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.video.encode import HOLD_SECONDS
from rl_teacher.video.jobs import Content, Replay, States

ENDING_HOLD_SECONDS = 0.6
"""How long clips hold their last picture where episodes can end: an end at a clip's last step must be readable."""


def content_of(spec: EnvSpec, history: ActionHistory | None) -> Callable[[Segment], Content]:
    """What a clip worker needs to draw a segment: simulator states of a task, or else the episode up to its end.

    Args:
        spec: of the environment.
        history: of all rollouts; None for tasks, which are drawn from their states.
    """
    if history is None:
        task = find_task(spec.canonical_id)
        return lambda segment: States(
            MODELS / task.model_file, task.camera, segment.sim_state, num_still=_num_still(segment)
        )
    env_id = spec.canonical_id.removeprefix("gymnasium:")
    hold_seconds = HOLD_SECONDS if spec.is_fixed_horizon else ENDING_HOLD_SECONDS

    def played_again(segment: Segment) -> Content:
        num_still = _num_still(segment)
        end = segment.start + len(segment) - (num_still or 0)
        found = history.find(segment.iteration, segment.env, segment.episode, end)
        if found is None:
            raise VideoFault(f"env {spec.env_id!r}: the start of a segment's episode is not known any more.")
        return Replay(
            env_id, found.seed, found.actions, segment.start, segment.obs[0],
            num_still=num_still, hold_seconds=hold_seconds,
        )  # fmt: skip

    return played_again


def _num_still(segment: Segment) -> int | None:
    """Steps after the end of its episode, where nothing moves; None if it did not end."""
    return None if segment.end == NO_END else len(segment) - segment.end
