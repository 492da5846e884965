"""What a clip worker needs to draw steps of a run's environment."""

from collections.abc import Callable

from rl_teacher.core.segment import Segment
from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.task import MODELS
from rl_teacher.errors import VideoFault
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.video.jobs import Content, Replay, States


def content_of(spec: EnvSpec, history: ActionHistory | None) -> Callable[[Segment], Content]:
    """What a clip worker needs to draw a segment: simulator states of a task, or else the episode up to its end.

    Args:
        spec: of the environment.
        history: of all rollouts; None for tasks, which are drawn from their states.
    """
    if history is None:
        task = find_task(spec.canonical_id)
        return lambda segment: States(MODELS / task.model_file, task.camera, segment.sim_state)
    env_id = spec.canonical_id.removeprefix("gymnasium:")

    def played_again(segment: Segment) -> Content:
        end = segment.start + len(segment.obs)
        found = history.find(segment.iteration, segment.env, segment.episode, end)
        if found is None:
            raise VideoFault(f"env {spec.env_id!r}: the start of a segment's episode is not known any more.")
        return Replay(env_id, found.seed, found.actions, segment.start, segment.obs[0])

    return played_again
