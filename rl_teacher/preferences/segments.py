"""Cutting segments out of rollouts: each lies inside one episode, aligned with what the agent saw."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Int

from rl_teacher.core.arrays import NO_END, Rollout, Segments, next_observations
from rl_teacher.core.segment import Segment
from rl_teacher.records import make_id

ENDED_SHARE = 1 / 3
"""Of the segments of a rollout, those that run into the end of their episode, where there are enough of both kinds.

Fewer would leave unlearned what ends are worth where they are rare; more, what the steps before are.
"""


def cut_segments(
    rollout: Rollout, length: int, num: int, generator: np.random.Generator, *, origin: str, iteration: int,
    shows_ends: bool = False, shows_after: bool = False, num_old: int = 0,
    shown: Bool[np.ndarray, "time env"] | None = None, is_recorded: bool = False,
) -> Segments:  # fmt: skip
    """At most `num` segments of `length` steps, chosen evenly over all places where one fits.

    Segments of one environment do not overlap while there is room; fewer come back when fewer fit, none when no
    episode is long enough. Ids are made from `origin`, iteration and place: cutting again gives the same ids.

    Args:
        rollout: axes (time, env).
        length: of a segment [steps].
        num: how many are wanted.
        generator: chooses.
        origin: what ids are made from, with iteration and place.
        iteration: of the rollout.
        shows_ends: whether segments may run into the end of their episode. What follows is the absorbing state:
            observations, actions and rewards of 0, while the simulator stands still.
        shows_after: whether segments hold what is observed after each step, as those that show ends do.
        num_old: steps at the start of the rollout that were cut before: a segment may begin there, but not end there.
        shown: steps of which there is a picture, where not all have one: a segment is made of such alone.
        is_recorded: the rollout shows episodes of a data set, which come again: ids are made of `origin`, episode and
            step, so that a segment that was cut before is known.
    """
    fits, end = placeable(rollout, length), ends_within(rollout, length)
    fits[: max(0, num_old - length + 1)] = False
    if shown is not None:
        lengths = np.where(end == NO_END, length, np.minimum(end, length))
        is_shown = _all_ahead(shown, lengths)
        fits &= is_shown[: len(fits)]
        end = np.where(is_shown, end, NO_END)
    places = np.argwhere(fits)
    order = generator.permutation(len(places))
    if not shows_ends:
        chosen = _spread(places[order], length, num)
    else:
        ends_at = np.arange(len(end))[:, None] + end
        ending = np.argwhere((end != NO_END) & (end < length) & (ends_at > num_old))
        num_ending = min(len(ending), max(round(num * ENDED_SHARE), num - len(places)))
        chosen = np.concatenate(
            [
                _spread(places[order], length, num - num_ending),
                _spread(ending[generator.permutation(len(ending))], length, num_ending),
            ]
        )
        chosen = chosen[generator.permutation(len(chosen))]
    time, env = chosen[:, 0], chosen[:, 1]
    until = end[time, env] if shows_ends else np.full(len(chosen), NO_END)
    lived = np.where(until == NO_END, length, until)
    ahead = np.arange(length)
    steps = time[:, None] + np.minimum(ahead, lived[:, None] - 1)
    ended = ahead >= lived[:, None]
    if is_recorded:
        places = np.stack([rollout.episode[time, env], rollout.episode_step[time, env]], 1)
    else:
        places = np.stack([np.full(len(chosen), iteration), env, time], 1)
    ids = np.array([make_id(origin, "segment", *map(int, place)) for place in places], dtype="U36")
    rows, has_next_obs = (steps, env[:, None]), shows_ends or shows_after
    return Segments(
        id=ids, obs=_cleared(rollout.obs[rows], ended), reward_action=_cleared(rollout.reward_action[rows], ended),
        env_action=_cleared(rollout.env_action[rows], ended), true_reward=_cleared(rollout.true_reward[rows], ended),
        sim_state=rollout.sim_state[rows], env=env, episode=rollout.episode[time, env],
        start=rollout.episode_step[time, env], iteration=np.full(len(chosen), iteration), end=until,
        next_obs=_cleared(next_observations(rollout)[rows], ended) if has_next_obs else np.zeros((*steps.shape, 0)),
    )  # fmt: skip


def _all_ahead(
    flags: Bool[np.ndarray, "time env"], lengths: Int[np.ndarray, "time env"]
) -> Bool[np.ndarray, "time env"]:
    """Whether a flag is set at each place and at all that follow, `lengths` in all."""
    before = np.concatenate([np.zeros((1, flags.shape[1]), np.int64), np.cumsum(flags, axis=0)])
    first = np.arange(len(flags))[:, None]
    last = np.minimum(first + lengths, len(flags))
    return np.asarray(np.take_along_axis(before, last, axis=0) - before[:-1] == lengths)


def ends_within(rollout: Rollout, length: int) -> Int[np.ndarray, "time env"]:
    """Steps from each place until its episode ended for good, if these are at most `length`; NO_END elsewhere."""
    found = np.full(rollout.episode.shape, NO_END)
    until = np.full(rollout.episode.shape[1], NO_END)
    for time in range(len(found) - 1, -1, -1):
        until = np.where(until == NO_END, NO_END, until + 1)
        until = np.where(rollout.truncated[time] | ~rollout.counted[time], NO_END, until)
        until = np.where(rollout.terminated[time] & rollout.counted[time], 1, until)
        found[time] = np.where(until <= length, until, NO_END)
    return found


def _cleared(array: np.ndarray, ended: Bool[np.ndarray, "segment step"]) -> np.ndarray:
    """Zeros after the end."""
    if ended.any():
        array[ended] = 0
    return array


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


def distinct(segments: Segments) -> Segments:
    """Each segment once, in the order in which they came: rollouts of a data set may show one several times."""
    _, first = np.unique(segments.id, return_index=True)
    return segments if len(first) == len(segments) else segments.take(np.sort(first))


def by_id(*parts: Segments) -> Mapping[str, Segment]:
    """Every segment under its id."""
    return {str(part.id[row]): part.row(row) for part in parts for row in range(len(part))}
