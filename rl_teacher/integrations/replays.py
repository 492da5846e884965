"""Episodes of somebody's environments that can be played again: clips are then drawn beside the training."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from rl_teacher.config.run import RunConfig
from rl_teacher.core.segment import Segment
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.training.clip_content import content_of
from rl_teacher.video.jobs import ClipJob, Replay
from rl_teacher.video.workers import ClipWorkers

TRIED_STEPS = 20
"""Of the episode that is played twice to find out whether its seed decides everything."""
TRY_SECONDS = 60.0
"""After which a clip that is not there yet is given up [s]."""


class SeededResets(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Resets with a seed of its own where its owner gives none, and remembers which, so that episodes can be repeated.

    Args:
        env: whose resets these are.
        seed: of all of them.
        index: of the environment among those side by side.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], seed: int, index: int) -> None:
        super().__init__(env)
        self._base, self._index, self._num_resets = seed, index, 0
        self.seed = 0
        """Of the newest reset."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        self.seed = reset_seed(self._base, self._index, self._num_resets) if seed is None else seed
        self._num_resets += 1
        return self.env.reset(seed=self.seed, options=options)


class Replays:
    """Seeds and actions of the newest episodes.

    Args:
        spec: of the environment.
        resets: each environment, by whose newest seed an episode begins.
        num_kept: turns of training whose episodes are remembered.
    """

    def __init__(self, spec: EnvSpec, resets: Sequence[SeededResets], num_kept: int) -> None:
        self._resets = resets
        self._seeds: dict[tuple[int, int], int] = {}
        """Of episodes that no rollout has shown yet, by environment and number."""
        self.history = ActionHistory(num_kept, self._taken, numbers_go_on=True)
        self.content: Callable[[Segment], Any] = content_of(spec, self.history)
        """What a clip worker draws a segment from."""

    def note(self, episode: np.ndarray, step: np.ndarray) -> None:
        """Remember with which seeds those episodes began that make their first step now."""
        for env in np.flatnonzero(step == 0).tolist():
            self._seeds[(env, int(episode[env]))] = self._resets[env].seed

    def _taken(self, iteration: int, env: int, episode: int) -> int:
        return self._seeds.pop((env, episode))


def replays_of(
    envs: list[gymnasium.Env[Any, Any]] | None, obs_space: gymnasium.Space[Any], spec: EnvSpec, config: RunConfig,
    log: Callable[[str], None],
) -> Replays | None:  # fmt: skip
    """Let environments of this process reset with seeds of ours, if that makes their episodes repeatable.

    Args:
        envs: side by side, each of which is replaced by one that remembers its seeds; None where they are elsewhere.
        obs_space: of one, as it is recorded.
        spec: of one.
        config: of the run.
        log: told why they are not repeatable.
    """
    if not envs:
        return None
    seeded = [SeededResets(env, config.seed, index) for index, env in enumerate(envs)]
    is_recorded = envs[0].observation_space == obs_space
    why = why_not_again(seeded[0], spec) if is_recorded else "what is recorded is not what one of them observes"
    if why:
        log(f"Episodes cannot be played again from their seeds: {why}.")
        return None
    envs[:] = seeded
    return Replays(spec, seeded, config.selection.pool_iterations + 2)


def why_not_again(env: SeededResets, spec: EnvSpec) -> str:
    """Play a few random steps, and let a clip worker play them again by the id alone.

    Returns:
        Why that cannot be done, or led elsewhere; empty if it can.
    """
    registered = env.spec
    if registered is None:
        return "it has no id"
    if arguments := [name for name in registered.kwargs if name != "render_mode"]:
        return f"its id does not say with which arguments it was made ({', '.join(arguments)})"
    obs, _ = env.reset()
    env.action_space.seed(0)
    actions: list[Any] = []
    for _ in range(TRIED_STEPS):
        actions.append(env.action_space.sample())
        after, _, terminated, truncated, _ = env.step(actions[-1])
        if terminated or truncated:
            break
        obs = after
    if not isinstance(obs, np.ndarray):
        return "its observations are no arrays"
    start = len(actions) - 1 if terminated or truncated else len(actions)
    actions = [*actions[:start], env.action_space.sample()]  # the picture is that before the last one
    job = ClipJob(
        "again", Replay(spec, env.seed, np.array(actions), start, obs), spec.clip_fps,
        with_webm=False,
    )  # fmt: skip
    with ClipWorkers(1, backend=None, job_seconds=TRY_SECONDS) as workers:
        workers.submit(job)
        while not (results := workers.poll(1.0)):
            pass
    return "" if results[0].clip is not None else results[0].reason.rstrip(".")
