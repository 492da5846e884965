"""One environment of a run, made anew: beside others in training, or alone, to be played again and drawn."""

from collections.abc import Callable

from rl_teacher.envs.gymnasium.making import AnyEnv, make_env, register_late
from rl_teacher.envs.spec import EnvSpec


def make_single(spec: EnvSpec, render_mode: str | None = None, make: Callable[..., AnyEnv] = make_env) -> AnyEnv:
    """A copy of the environment that observes, rewards and ends as those of `make_envs` do.

    Args:
        spec: from find_env; no task.
        render_mode: 'rgb_array' for one that draws.
        make: how one of Gymnasium's is made from its id and, perhaps, `render_mode`.

    Raises:
        ConfigError: it needs a package that is not installed.
        EnvFault: it cannot be built.
    """
    if spec.kind == "minatar":
        from rl_teacher.envs.games.minatar import MinAtarGame

        return MinAtarGame(spec, render_mode)
    if spec.kind == "atari":
        from rl_teacher.envs.games.player import AtariPlayer

        return AtariPlayer(spec, render_mode)
    register_late(spec.canonical_id)
    env = make(spec.canonical_id, **({} if render_mode is None else {"render_mode": render_mode}))
    if spec.kind != "pictures":
        return env
    from rl_teacher.envs.pictures.shapes import picture_shape
    from rl_teacher.envs.pictures.wrapper import Pictures

    shape = picture_shape(env.observation_space)
    return env if shape is None else Pictures(env, shape)
