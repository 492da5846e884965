"""What a clip worker needs to draw steps of a run's environment."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.tasks.model_files import MODELS
from rl_teacher.errors import VideoFault
from rl_teacher.training.build import Run
from rl_teacher.video.jobs import Content, Replay, States

if TYPE_CHECKING:
    from rl_teacher.people.uploader import Drawable


def content_of(run: Run) -> Callable[["Drawable"], Content]:
    """What a clip worker needs to draw a segment: simulator states, or else the episode up to its end."""
    spec, tape = run.spec, run.tape
    if tape is None:
        task = find_task(spec.canonical_id)
        return lambda segment: States(MODELS / task.model_file, task.camera, segment.sim_state)
    env_id = spec.canonical_id.removeprefix("gymnasium:")

    def played_again(segment: "Drawable") -> Content:
        end = segment.start + len(segment.obs)
        found = tape.find(segment.iteration, segment.env, segment.episode, end)
        if found is None:
            raise VideoFault(f"env {spec.env_id!r}: the start of a segment's episode is not known any more.")
        return Replay(env_id, found.seed, found.actions, segment.start, segment.obs[0])

    return played_again
