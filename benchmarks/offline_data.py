"""A Minari set of mixed behavior of a ShortHopper: random actions, and PPO agents of several strengths that we train.

    python -m benchmarks.offline_data rlt/hopper/mixed-v0

The same words make the same set on the same machine. Episodes have their simulator states beside them, so that clips of
them can be drawn. It goes where Minari keeps its sets: MINARI_DATASETS_PATH.
"""

import argparse
import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import gymnasium
import numpy as np

from rl_teacher import RunConfig, find_env, make_envs, train
from rl_teacher.commands.replay import load_actor
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.streams import Streams
from rl_teacher.protocols import Actor
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.random_actor import RandomActor

ENV = "ShortHopper-v1"
STRENGTHS = (100_000, 300_000, 600_000)
"""Environment steps of the agents, which are trained on the true reward."""
EPISODES = 80
"""Of each, and of random actions."""


class Episodes(NamedTuple):
    """Of one behavior, side by side."""

    obs: np.ndarray
    """(time + 1, env, obs)"""
    action: np.ndarray
    """(time, env, act), as the environment was given them."""
    reward: np.ndarray
    states: np.ndarray
    """Simulator rows before each step and after the last, (time + 1, env, state)."""


def trained(folder: Path, num_steps: int, seed: int = 1, env_id: str = ENV) -> Actor:
    """The policy of a PPO agent after so many steps; one that is in the folder already is loaded."""
    name = f"ppo-{num_steps}"
    if not (folder / name / "checkpoint.npz").exists():
        config = RunConfig(
            env_id=env_id, predictor="rl", name=name, num_timesteps=num_steps, seed=seed, no_videos=True,
            runs_dir=str(folder), tb_dir=str(folder / "tb"),
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            train(config)
    return load_actor(folder / name)[2]


def played(actor: Actor | None, num: int, seed: int, env_id: str = ENV) -> Episodes:
    """Whole episodes of a policy with its own randomness; None: of random actions, each held for a while."""
    spec = find_env(env_id)
    assert spec.horizon is not None
    envs = make_envs(spec, num, seed=seed)
    actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)
    doer: Actor = RandomActor(actions, 8.0) if actor is None else actor
    noise = np.asarray(doer.noise(Streams(seed).key("play"), spec.horizon, num))
    seen, states, given, rewards = [np.array(envs.reset()[0])], [np.array(envs.sim_state())], [], []
    for time in range(spec.horizon):
        env_action = _to_env(actions, doer.act, seen[-1], noise[time])
        obs, reward, _, _, infos = envs.step(env_action)
        is_last = time == spec.horizon - 1
        seen.append(np.array(infos["final_obs"] if is_last else obs))
        states.append(states[-1] if is_last else np.array(envs.sim_state()))
        given.append(env_action)
        rewards.append(np.array(reward))
    envs.close()
    return Episodes(np.stack(seen), np.stack(given), np.stack(rewards), np.stack(states))


def _to_env(
    actions: ActionSpec, act: Callable[[np.ndarray, np.ndarray], np.ndarray], obs: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    return np.array(actions.to_env(actions.clamp(np.asarray(act(obs.astype(np.float32), noise)))))


def write_set(dataset_id: str, parts: Sequence[Episodes], env_id: str = ENV) -> None:
    """A Minari set of all these episodes, one behavior after the other."""
    import minari
    from minari.data_collector import EpisodeBuffer

    env = gymnasium.make(f"rl_teacher.envs.register:rl_teacher/{env_id}")
    buffers = []
    for part in parts:
        num_steps = len(part.reward)
        num_qpos = (part.states.shape[2] + 1) // 2  # all of these robots have as many speeds, or one less
        for i in range(part.reward.shape[1]):
            buffers.append(
                EpisodeBuffer(
                    id=len(buffers), observations=part.obs[:, i], actions=part.action[:, i],
                    rewards=part.reward[:, i].tolist(), terminations=[False] * num_steps,
                    truncations=[False] * (num_steps - 1) + [True],
                    infos={"qpos": part.states[:, i, :num_qpos], "qvel": part.states[:, i, num_qpos:]},
                )
            )  # fmt: skip
    minari.create_dataset_from_buffers(
        dataset_id, buffer=buffers, env=env, author="rl-teacher", author_email="none@example.org",
        code_permalink="benchmarks/offline_data.py", algorithm_name="PPO at several strengths, and random actions",
        data_format="hdf5",
    )  # fmt: skip


def write_mixed(
    dataset_id: str, folder: Path, strengths: Sequence[int] = STRENGTHS, episodes: int = EPISODES, seed: int = 1
) -> list[float]:
    """The set of mixed behavior; mean true return of an episode of each part, random actions first."""
    parts = [played(None, episodes, seed)]
    parts += [played(trained(folder, one, seed), episodes, seed + 1 + i) for i, one in enumerate(strengths)]
    write_set(dataset_id, parts)
    return [float(part.reward.sum(0).mean()) for part in parts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="id of the new set")
    parser.add_argument("--folder", type=Path, default=Path("~/rl-teacher/offline").expanduser(), help="of the agents")
    parser.add_argument("--episodes", type=int, default=EPISODES, help="of each behavior (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    returns = write_mixed(given.dataset, given.folder, episodes=given.episodes, seed=given.seed)
    print(f"{given.dataset}: mean returns {', '.join(f'{one:.0f}' for one in returns)}, random actions first")


if __name__ == "__main__":
    main()
