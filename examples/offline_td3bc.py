"""Learn a policy from a data set alone, by TD3+BC: Fujimoto & Gu 2021, arXiv:2106.06860.

python -m examples.offline_td3bc rlt/hopper/mixed-people-v0

It never acts until the end, when the policy plays a few episodes. Whatever rewards the data set has are what it learns
from: those of `rl-teacher relabel`, say.
"""

import argparse
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rl_teacher.data.data_sets import open_episodes
from rl_teacher.envs.catalog import find_env, make_envs

HIDDEN, BATCH, RATE, DISCOUNT, TARGET_RATE = (64, 64), 256, 1e-3, 0.99, 0.005
NOISE, NOISE_LIMIT, ALPHA, DELAY = 0.2, 0.5, 2.5, 2
"""Of the target policy; how much a value counts beside imitation; updates of the critics for one of the policy."""


class Steps(NamedTuple):
    """All steps of a data set; observations and rewards are normalized."""

    obs: Any
    action: Any
    reward: Any
    next_obs: Any
    alive: Any


def read(place: str) -> tuple[Steps, np.ndarray, np.ndarray]:
    """The steps of a data set, and mean and standard deviation of its observations."""
    episodes = list(open_episodes(place).read())

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in episodes]).astype(np.float32)

    obs, reward = joined("obs"), joined("reward")
    mean, std = obs.mean(0), obs.std(0) + 1e-3
    reward = (reward - reward.mean()) / (reward.std() + 1e-6)  # a learned reward has a scale of its own
    follows = (joined("next_obs") - mean) / std
    return Steps((obs - mean) / std, joined("action"), reward, follows, 1 - joined("terminated")), mean, std


def network(key: Any, sizes: tuple[int, ...]) -> Any:
    """Weights and biases of layers of these sizes."""
    keys = jax.random.split(key, len(sizes))
    pairs = zip(keys, sizes[:-1], sizes[1:], strict=False)
    return [(jax.random.normal(k, (n, m)) * np.sqrt(1 / n), jnp.zeros(m)) for k, n, m in pairs]


def run(params: Any, x: Any) -> Any:
    """What a network makes of rows."""
    for weight, bias in params[:-1]:
        x = jax.nn.relu(x @ weight + bias[None])
    return x @ params[-1][0] + params[-1][1][None]


def policy(params: Any, obs: Any) -> Any:
    """Actions within +-1."""
    return jnp.tanh(run(params, obs))


def values(params: Any, obs: Any, action: Any) -> Any:
    """Of two critics, (2, batch)."""
    x = jnp.concatenate([obs, action], -1)
    return jnp.stack([run(one, x)[..., 0] for one in params])


def critic_loss(params: Any, targets: Any, batch: Steps, key: Any) -> Any:
    """Squared error of both critics, whose target is the smaller value of the next step."""
    noise = jnp.clip(NOISE * jax.random.normal(key, batch.action.shape), -NOISE_LIMIT, NOISE_LIMIT)
    action = jnp.clip(policy(targets[0], batch.next_obs) + noise, -1, 1)
    wanted = batch.reward + DISCOUNT * batch.alive * values(targets[1], batch.next_obs, action).min(0)
    return jnp.square(values(params, batch.obs, batch.action) - wanted[None]).sum(0).mean()


def policy_loss(params: Any, critics: Any, batch: Steps) -> Any:
    """Less where actions are worth more, and more where they are not those of the data set."""
    action = policy(params, batch.obs)
    value = values(critics, batch.obs, action)[0]
    return (
        -ALPHA * value.mean() / jax.lax.stop_gradient(jnp.abs(value).mean()) + jnp.square(action - batch.action).mean()
    )


@partial(jax.jit, static_argnames="num")
def trained(state: Any, steps: Steps, key: Any, num: int) -> Any:
    """After `num` updates of the policy, each after DELAY of the critics."""

    def update(state: Any, key: Any) -> tuple[Any, None]:
        """One of the policy."""
        (actor, critics), targets, (actor_opt, critic_opt) = state
        for one in jax.random.split(key, DELAY):
            pick, noise = jax.random.split(one)
            rows = jax.random.randint(pick, (BATCH,), 0, len(steps.reward))
            batch = jax.tree.map(lambda array, rows=rows: array[rows], steps)
            gradient = jax.grad(critic_loss)(critics, targets, batch, noise)
            change, critic_opt = optax.adam(RATE).update(gradient, critic_opt)
            critics = optax.apply_updates(critics, change)
        change, actor_opt = optax.adam(RATE).update(jax.grad(policy_loss)(actor, critics, batch), actor_opt)
        actor = optax.apply_updates(actor, change)
        targets = optax.incremental_update((actor, critics), targets, TARGET_RATE)
        return ((actor, critics), targets, (actor_opt, critic_opt)), None

    return jax.lax.scan(update, state, jax.random.split(key, num))[0]


def learn(place: str, *, updates: int = 3_000, seed: int = 1) -> Any:
    """Observations -> actions, as they are learned from a data set."""
    steps, mean, std = read(place)
    num_obs, num_actions = steps.obs.shape[1], steps.action.shape[1]
    one, two, three, key = jax.random.split(jax.random.key(seed), 4)
    actor = network(one, (num_obs, *HIDDEN, num_actions))
    critics = [network(k, (num_obs + num_actions, *HIDDEN, 1)) for k in (two, three)]
    state = (actor, critics), (actor, critics), (optax.adam(RATE).init(actor), optax.adam(RATE).init(critics))
    (actor, _), *_ = trained(state, jax.tree.map(jnp.asarray, steps), key, updates)
    return jax.jit(lambda obs: policy(actor, (obs - mean[None]) / std[None]))


def returns(act: Any, env_id: str, num: int = 20, seed: int = 1_000) -> np.ndarray:
    """True returns of whole episodes, (num,)."""
    spec = find_env(env_id)
    envs = make_envs(spec, num, seed=seed)
    obs, total = envs.reset()[0], np.zeros(num)
    for _ in range(spec.horizon or 1000):
        obs, reward, *_ = envs.step(np.asarray(act(np.asarray(obs)), np.float32))
        total += reward
    envs.close()
    return total


def main() -> None:
    """Learn, and play."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="id or folder of a Minari set, or a file .hdf5 or .parquet")
    parser.add_argument("-e", "--env", default="ShortHopper-v1", help="one of the nine tasks (%(default)s)")
    parser.add_argument("--updates", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = returns(learn(given.dataset, updates=given.updates, seed=given.seed), given.env)
    print(f"True return of an episode: {found.mean():.0f} (standard deviation {found.std():.0f})")


if __name__ == "__main__":
    main()
