"""Replay: the newest steps of an off-policy agent, without their rewards, which are asked for when they are used."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from rl_teacher.agents.observations import features, num_inputs
from rl_teacher.core.arrays import BlindRollout, RewardInput, next_observations


class Transitions(eqx.Module):
    """Steps with what followed them; any leading axes."""

    obs: Float[Array | np.ndarray, "*batch features"]
    """Flat, not normalized."""
    action: Float[Array | np.ndarray, "*batch act"]
    next_obs: Float[Array | np.ndarray, "*batch features"]
    """At the end of an episode its last observation, not the first one of the next."""
    terminated: Bool[Array | np.ndarray, "*batch"]
    """Nothing follows. A time limit is no such end."""
    reward_input: RewardInput
    """What any reward function may look at: a learned one changes, so a reward that is stored would be out of date."""

    def take(self, rows: Int[Array, "*batch"]) -> "Transitions":
        """These rows."""
        taken: Transitions = jax.tree.map(lambda x: x[rows], self)
        return taken


class Replay(eqx.Module):
    """A ring of the newest `capacity` steps."""

    steps: Transitions
    num_written: Int[Array, ""]
    """Since the start."""

    @classmethod
    def build(
        cls, capacity: int, obs_shape: tuple[int, ...], num_actions: int, *, with_true_reward: bool, shows_ends: bool
    ) -> "Replay":
        """An empty one.

        Args:
            capacity: steps that it can hold.
            obs_shape: of one observation.
            num_actions: numbers of an action.
            with_true_reward: whether the reward's input holds it (`-p rl`).
            shows_ends: whether the reward's input says which steps end an episode, and what is observed after each.
        """
        reward_input = RewardInput(
            obs=jnp.zeros((capacity, *obs_shape)),
            action=jnp.zeros((capacity, num_actions)),
            true_reward=jnp.zeros(capacity) if with_true_reward else None,
            phase=jnp.zeros(capacity, jnp.int8) if shows_ends else None,
            next_obs=jnp.zeros((capacity, *obs_shape)) if shows_ends else None,
        )
        obs, action = jnp.zeros((capacity, num_inputs(obs_shape))), jnp.zeros((capacity, num_actions))
        steps = Transitions(
            obs=obs, action=action, next_obs=obs, terminated=jnp.zeros(capacity, bool), reward_input=reward_input
        )
        return cls(steps, jnp.zeros((), jnp.int32))

    @property
    def capacity(self) -> int:
        """Steps that it can hold."""
        return int(self.steps.obs.shape[0])

    @property
    def size(self) -> int:
        """Steps that it holds."""
        return min(int(self.num_written), self.capacity)

    def add(self, rollout: BlindRollout) -> "Replay":
        """With the counted steps of a rollout, in the order of time; the oldest make room."""
        new = transitions(rollout)
        count = len(new.obs)
        if count > self.capacity:
            new, count = jax.tree.map(lambda x: x[-self.capacity :], new), self.capacity
        return _write(self, new, count)

    def draw(
        self, key: PRNGKeyArray, shape: tuple[int, int], *, recent_share: float, num_recent: int
    ) -> Int[Array, "update sample"]:
        """Row numbers for minibatches; a share of each minibatch is from the newest `num_recent` steps.

        Source: hybrid replay, Hu et al. 2024, QPA, arXiv:2305.17400, section 4.2.
        """
        num_updates, num_samples = shape
        first = round(recent_share * num_samples)
        recent_key, any_key = jax.random.split(key)
        age_recent = jax.random.randint(recent_key, (num_updates, first), 0, min(num_recent, self.size))
        age_any = jax.random.randint(any_key, (num_updates, num_samples - first), 0, self.size)
        age = jnp.concatenate([age_recent, age_any], axis=1)
        return (self.num_written - 1 - age) % self.capacity


@eqx.filter_jit
def _write(replay: Replay, new: Transitions, count: int) -> Replay:
    rows = (replay.num_written + jnp.arange(count)) % replay.capacity
    steps = jax.tree.map(lambda old, x: old.at[rows].set(jnp.asarray(x, old.dtype)), replay.steps, new)
    return Replay(steps, replay.num_written + count)


def transitions(rollout: BlindRollout) -> Transitions:
    """The counted steps of a rollout as one axis, in the order of time."""
    counted = np.asarray(rollout.counted)
    return Transitions(
        obs=features(np.asarray(rollout.obs)[counted], 1),
        action=np.asarray(rollout.action)[counted],
        next_obs=features(next_observations(rollout)[counted], 1),
        terminated=np.asarray(rollout.terminated)[counted],
        reward_input=jax.tree.map(lambda x: np.asarray(x)[counted], rollout.reward_input),
    )
