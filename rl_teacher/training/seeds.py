"""Which seed the environments of a run start from: one place, because clips are played again from it."""

from collections.abc import Callable

from rl_teacher.core.streams import Streams
from rl_teacher.envs.tasks.starts import reset_seed


def env_seed(seed: int, iteration: int) -> int:
    """The seed of the environments that made the rollout of an iteration.

    Args:
        seed: of the run.
        iteration: >= 0 in training, whose environments go on from rollout to rollout; before it -1 for the first
            rollout, -2 for the second and so on, each of which begins anew.
    """
    if iteration >= 0:
        return seed
    attempt = -1 - iteration
    stream = "pretrain restart" if attempt else "pretrain envs"
    return int(Streams(seed).generator(stream, attempt).integers(2**31))


def episode_seeds(seed: int) -> Callable[[int, int, int], int]:
    """(iteration, env, number of the episode since the environments began) -> what that episode was reset with."""
    return lambda iteration, env, episode: reset_seed(env_seed(seed, iteration), env, episode)
