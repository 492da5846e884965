"""Cutting segments out of rollouts: each lies inside one episode, aligned with what the agent saw."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Int

from rl_teacher.core.arrays import Rollout, Segments
from rl_teacher.core.segment import Segment
from rl_teacher.records import make_id


def cut_segments(
    rollout: Rollout, length: int, num: int, generator: np.random.Generator, *, origin: str, iteration: int
) -> Segments:
    """At most `num` segments of `length` steps, chosen evenly over all places where one fits.

    Segments of one environment do not overlap while there is room; fewer come back when fewer fit, none when no
    episode is long enough. Ids are made from `origin`, iteration and place: cutting again gives the same ids.
    """
    fits = placeable(rollout, length)
    places = np.argwhere(fits)
    order = generator.permutation(len(places))
    chosen = _spread(places[order], length, num)
    time, env = chosen[:, 0], chosen[:, 1]
    steps = time[:, None] + np.arange(length)
    ids = np.array([make_id(origin, "segment", iteration, int(e), int(t)) for t, e in chosen], dtype="U36")
    rows = (steps, env[:, None])
    return Segments(
        id=ids, obs=rollout.obs[rows], reward_action=rollout.reward_action[rows], env_action=rollout.env_action[rows],
        true_reward=rollout.true_reward[rows], sim_state=rollout.sim_state[rows], env=env,
        episode=rollout.episode[time, env], start=rollout.episode_step[time, env],
        iteration=np.full(len(chosen), iteration),
    )  # fmt: skip


def placeable(rollout: Rollout, length: int) -> Bool[np.ndarray, "start env"]:
    """Where a segment may start: all its steps count and belong to one episode."""
    if length > len(rollout.episode):
        return np.zeros((0, rollout.episode.shape[1]), bool)
    last = slice(length - 1, None)
    first = slice(None, len(rollout.episode) - length + 1)
    return np.asarray((rollout.episode[first] == rollout.episode[last]) & rollout.counted[last])


def _spread(places: Int[np.ndarray, "place 2"], length: int, num: int) -> Int[np.ndarray, "chosen 2"]:
    """The first `num` places that overlap no earlier choice, topped up with overlapping ones when too few are left."""
    taken: dict[int, list[int]] = {}
    chosen: list[int] = []
    spare: list[int] = []
    for row, (time, env) in enumerate(places):
        if len(chosen) == num:
            break
        starts = taken.setdefault(int(env), [])
        if all(abs(time - start) >= length for start in starts):
            starts.append(int(time))
            chosen.append(row)
        else:
            spare.append(row)
    chosen += spare[: num - len(chosen)]
    return places[chosen]


def overlap(segments: Segments, i: int, j: int) -> bool:
    """Whether two segments share a step of one episode of one run of the environments."""
    length = segments.true_reward.shape[1]
    same = segments.env[i] == segments.env[j] and segments.episode[i] == segments.episode[j]
    return bool(same and abs(int(segments.start[i]) - int(segments.start[j])) < length)


def by_id(*parts: Segments) -> Mapping[str, Segment]:
    """Every segment under its id."""
    return {str(part.id[row]): part.row(row) for part in parts for row in range(len(part))}
