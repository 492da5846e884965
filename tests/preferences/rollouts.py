"""Rollouts and pools made by hand, in which every number tells where it is from."""

import itertools

import numpy as np

from rl_teacher.core.arrays import NO_END, Rollout, Segments

TIME, ENVS = 40, 3


def rollout(lengths: dict[int, list[int]] | None = None, num_counted: int = TIME * ENVS, envs: int = ENVS) -> Rollout:
    """`lengths[env]` are the lengths of the episodes of an environment, the last one unfinished; default one episode.

    An observation is (time, env), an action time, a true reward time + env / 10, a simulator state (time, env).
    """
    time, env = np.meshgrid(np.arange(TIME), np.arange(envs), indexing="ij")
    episode, step = np.zeros((TIME, envs), np.int64), np.zeros((TIME, envs), np.int64)
    ended = np.zeros((TIME, envs), bool)
    for e, parts in (lengths or {}).items():
        bounds = np.cumsum([0, *parts])
        for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
            episode[start:stop, e] = number
            ended[stop - 1, e] = stop < TIME
        step[:, e] = np.arange(TIME) - bounds[np.minimum(episode[:, e], len(parts) - 1)]
    for e in range(envs):
        if e not in (lengths or {}):
            step[:, e] = np.arange(TIME)
    place = np.stack([time, env], -1).astype(np.float32)
    return Rollout(
        obs=place, action=place[..., :1], last_obs=place[-1], final_obs=np.zeros_like(place), terminated=ended,
        truncated=np.zeros_like(ended), counted=(np.arange(TIME * envs) < num_counted).reshape(TIME, envs),
        reward_action=place[..., :1], env_action=2 * place[..., :1], true_reward=(time + env / 10).astype(np.float32),
        sim_state=place.astype(np.float64), episode=episode, episode_step=step,
    )  # fmt: skip


def pool(
    num: int, length: int = 4, *, env: np.ndarray | None = None, start: np.ndarray | None = None,
    end: np.ndarray | None = None,
) -> Segments:  # fmt: skip
    """`num` segments, by default each of its own environment; the reward action is the row."""
    rows = np.arange(num)
    row = np.broadcast_to(rows[:, None, None], (num, length, 1)).astype(np.float32)
    return Segments(
        id=np.array([f"segment {i}" for i in rows], "U36"), obs=row, reward_action=row, env_action=row,
        true_reward=row[..., 0], sim_state=row.astype(np.float64), env=rows if env is None else env,
        episode=np.zeros(num, np.int64), start=np.zeros(num, np.int64) if start is None else start,
        iteration=np.zeros(num, np.int64), end=np.full(num, NO_END) if end is None else end,
        next_obs=np.zeros((num, length, 0)),
    )  # fmt: skip
