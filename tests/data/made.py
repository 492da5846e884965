"""Comparisons made by hand or drawn at random, for tests that need no environment."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rl_teacher.data.about import DataAbout
from rl_teacher.data.rows import NO_END, Answer, Rows, Side, Source
from rl_teacher.records import Preference, make_id
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace, Space

BOX = BoxSpace((-1.0, -1.0), (1.0, 1.0))
CHOICES = DiscreteSpace(3, 1)


def about(steps: tuple[int, int] = (4, 4), action: Space = BOX, **more: object) -> DataAbout:
    """Of an environment with three numbers of observation."""
    names = ("height", "speed", "angle", *(f"action {i}" for i in range(action.size)))
    found = DataAbout("Made-v0", (3,), "float32", action, names, 15.0, True, *steps, origin={"kind": "test"})
    return dataclasses.replace(found, **more)


def side(of: DataAbout, num: int, rng: np.random.Generator, prefix: str) -> Side:
    """Random segments."""
    lengths = rng.integers(of.shortest, of.longest + 1, num)
    if num and not of.is_even:
        lengths[0], lengths[-1] = of.shortest, of.longest
    total = int(lengths.sum())
    obs = rng.normal(size=(total, of.num_obs)).astype(of.obs_dtype)
    if isinstance(of.action, DiscreteSpace):
        action = rng.integers(of.action.start, of.action.start + of.action.n, total)
    else:
        action = rng.uniform(-1, 1, (total, of.action.size)).astype(of.action_dtype)
    return Side(
        id=[make_id(prefix, i) for i in range(num)], lengths=lengths.astype(np.int64), obs=obs, action=action,
        env_index=rng.integers(0, 4, num), episode=rng.integers(0, 9, num), start=rng.integers(0, 50, num),
        iteration=rng.integers(-1, 5, num), end=np.where(rng.random(num) < 0.2, lengths, NO_END).astype(np.int64),
        next_obs=obs + 1 if of.has_next_obs else None,
        true_reward=rng.normal(size=total) if of.has_true_reward else None,
    )  # fmt: skip


def rows(of: DataAbout, num: int, seed: int = 0) -> Rows:
    """Random comparisons."""
    rng = np.random.default_rng(seed)
    ids = [make_id("comparison", seed, i) for i in range(num)]
    left, right = (side(of, num, rng, f"{name} {seed}") for name in ("left", "right"))
    return Rows(ids, np.arange(num, dtype=np.int64) * 10, left, right)


def source(of: DataAbout, parts: Sequence[Rows], answers: Sequence[Answer] | None = None) -> Source:
    """A source of these comparisons; by default each is answered left, right, tie, can't tell in turn."""
    ids = [one for part in parts for one in part.id]
    said = [Answer(one, "ann", list(Preference)[i % 4], "2026-01-01T00:00:00+00:00") for i, one in enumerate(ids)]
    return Source(of, said if answers is None else list(answers), lambda: iter(parts))


def joined(parts: Sequence[Rows]) -> dict[str, list[object]]:
    """All that rows hold, as plain values: of sources that cut them differently too."""
    found: dict[str, list[object]] = {"id": [], "step": []}
    for part in parts:
        found["id"] += part.id
        found["step"] += part.step.tolist()
        for name, one in (("left", part.left), ("right", part.right)):
            for field in dataclasses.fields(one):
                value = getattr(one, field.name)
                if value is not None:
                    found.setdefault(f"{name}_{field.name}", []).extend(np.asarray(value).tolist())
    return found
