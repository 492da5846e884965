"""The library imitation on the task, agent, labels and steps of benchmarks/plug.py: one cell, as one line of JSON.

    python3.11 -m venv VENV && VENV/bin/pip install torch==2.13.0
    VENV/bin/pip install "setuptools<81" "numpy<2" gymnasium==0.29.1 stable-baselines3==2.2.1 imitation==1.0.1
    VENV/bin/pip install mujoco==4.0.0 && VENV/bin/python -m benchmarks.plug_imitation --seed 1

imitation 1.0.1 needs versions of Gymnasium and Stable-Baselines3 that the product cannot have, hence the environment of
its own; `python -m benchmarks.plug --imitation VENV/bin/python` runs all of its cells, and prints the comparison.

What is the same on both sides: the simulation, the settings of PPO, VecNormalize around the learned reward, the steps
that the agent trains (imitation rounds up in each iteration, and has one more than `num_iterations`, so its
`total_timesteps` is chosen to give as many), the number of labels and the length of what is compared, an oracle
without noise, half of the labels before training, one thread, and who judges. All else is imitation's: the settings of
its own script `train_preference_comparisons`.

imitation takes its fragments from whole episodes. Where no environment has finished one since the last questions, it
simulates some for them, one in each environment at least: with 64 environments 64,000 steps, six times. The first are
before training (`pretrain_steps`); the others are `extra_steps`, and `extra_seconds` of `learn_seconds`. They count in
the seconds, not in the steps. `--envs 8`, with as large rollouts, needs only the first, of 8,000 (mode imitation-8).
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box
from mujoco.batch import Batch

from benchmarks.plug import PPO_SETTINGS, ROLLOUT_STEPS, TASKS, judged, step_size
from rl_teacher.envs.tasks.hopper import TASK
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.envs.tasks.starts import episode_generator
from rl_teacher.envs.tasks.task import Entry

Array = npt.NDArray[Any]
NUM_ITERATIONS = 5
"""Default of imitation's script."""
EPOCHS = 3
"""The same."""
FRAGMENT_LENGTH = 45
"""As long as a segment of ours: 1.5 s."""


class Hopper(gymnasium.Env[Array, Array]):
    """rl_teacher.envs.tasks.single.TaskEnv of Hopper for Gymnasium 0.29, from the same parts; same numbers."""

    steps_made = 0
    """By all of them."""

    def __init__(self) -> None:
        """Load the model."""
        model = load_model(TASK.model_file)
        self._batch = Batch(model, 1, 1)
        self._readout = TASK.read(self._batch, TASK.dt)
        self._qpos0 = model.qpos0.copy()
        self._qpos, self._qvel, self._ctrl = (self._batch.bind(name) for name in ("qpos", "qvel", "ctrl"))
        self._obs, self._reward = np.zeros((1, len(TASK.observation))), np.zeros(1)
        self.observation_space, self.action_space = _box(TASK.observation), _box(TASK.action)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        rng = episode_generator(int(self.np_random.integers(2**63)), 0, 0)
        self._batch.reset([0])
        self._qpos[0], self._qvel[0] = TASK.start(rng, self._qpos0, self._qvel.shape[1])
        self._batch.forward([0])
        self._readout.remember()
        return self._observed(), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Observation, true reward, False, False and no infos: the episode ends only by its limit."""
        Hopper.steps_made += 1
        self._ctrl[0] = action
        self._batch.step(nstep=TASK.frame_skip)
        self._readout.write_rewards(self._reward)
        observed = self._observed()
        self._readout.remember()
        return observed, float(self._reward[0]), False, False, {}

    def _observed(self) -> Array:
        self._readout.write_observations(self._obs)
        return np.array(self._obs[0], np.float32)


def _box(entries: Sequence[Entry]) -> Box:
    low, high = ([getattr(entry, end) for entry in entries] for end in ("low", "high"))
    return Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)


def train(seed: int, *, steps: int, labels: int, envs: int) -> dict[str, Any]:
    """One cell, in this process."""
    import torch
    from imitation.algorithms import preference_comparisons as preferences
    from imitation.rewards.reward_nets import BasicRewardNet, NormalizedRewardNet
    from imitation.util import logger as loggers
    from imitation.util.networks import RunningNorm
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    class Trainer(preferences.AgentTrainer):
        """Theirs, with clocks."""

        training_began = 0.0
        pretrain_steps = 0
        extra_seconds = 0.0

        def sample(self, steps: int) -> Any:
            """Episodes for fragments; those that it lacks are simulated."""
            sampling_began = time.perf_counter()
            episodes = super().sample(steps)
            if self.training_began:
                self.extra_seconds += time.perf_counter() - sampling_began
            return episodes

        def train(self, steps: int, **others: Any) -> None:
            """The agent, with the newest reward."""
            if not self.training_began:
                self.training_began, self.pretrain_steps = time.perf_counter(), Hopper.steps_made
            super().train(steps, **others)

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    task, began = replace(TASKS["hopper"], steps=steps, num_envs=envs), time.perf_counter()
    rng = np.random.default_rng(seed)
    gymnasium.register(task.env_id, entry_point=lambda **_: Hopper(), max_episode_steps=TASK.horizon)
    venv = make_vec_env(task.env_id, envs, seed=seed)
    spaces = venv.observation_space, venv.action_space
    reward = NormalizedRewardNet(BasicRewardNet(*spaces, normalize_input_layer=RunningNorm), RunningNorm)
    rollout = ROLLOUT_STEPS
    per_env = {**PPO_SETTINGS, "n_steps": rollout // envs}

    def step_size_now(_: float) -> float:
        """Over the whole training: each iteration of imitation calls `learn` anew."""
        return step_size(1 - agents[0].num_timesteps / steps if agents else 1.0)

    agents: list[Any] = []
    agent = PPO("MlpPolicy", venv, seed=seed, learning_rate=step_size_now, **per_env)
    agents.append(agent)
    logger = loggers.configure(tempfile.mkdtemp(), [])
    trainer = Trainer(agent, reward, venv, rng, custom_logger=logger)
    env = VecNormalize(
        trainer.venv, gamma=PPO_SETTINGS["gamma"], norm_reward=TASKS["hopper"].norm_reward
    )  # outside the reward, as around ours
    agent.set_env(env)
    fit = preferences.BasicRewardTrainer(
        preferences.PreferenceModel(reward), preferences.CrossEntropyRewardLoss(), rng, epochs=EPOCHS
    )
    comparisons = preferences.PreferenceComparisons(
        trainer, reward, NUM_ITERATIONS, fragment_length=FRAGMENT_LENGTH, initial_comparison_frac=0.5,
        fragmenter=preferences.RandomFragmenter(rng, warning_threshold=0), reward_trainer=fit,
        preference_gatherer=preferences.SyntheticGatherer(temperature=0, rng=rng), custom_logger=logger,
    )  # fmt: skip
    comparisons.train(_total_timesteps(steps, rollout), labels)
    ended = time.perf_counter()
    extra_steps = Hopper.steps_made - trainer.pretrain_steps - agent.num_timesteps
    mode = "imitation" if envs == TASKS["hopper"].num_envs else f"imitation-{envs}"
    row = {"task": "hopper", "mode": mode, "seed": seed, **asdict(task), **judged(agent, task, seed, env)}
    row |= {"pretrain_seconds": round(trainer.training_began - began, 1)}
    row |= {"pretrain_steps": trainer.pretrain_steps, "learn_seconds": round(ended - trainer.training_began, 1)}
    row |= {"extra_seconds": round(trainer.extra_seconds, 1), "extra_steps": extra_steps}
    return row | {"trained_steps": agent.num_timesteps, "labels": len(comparisons.dataset)}


def _total_timesteps(steps: int, rollout: int) -> int:
    """What to ask for, so that the agent trains `steps`, in whole rollouts, or as little more as can be.

    There are NUM_ITERATIONS + 1 trainings; the last but one gets the remainder of a division by NUM_ITERATIONS, for
    which it makes one more rollout.
    """
    each, left = divmod(math.ceil(steps / rollout), NUM_ITERATIONS + 1)
    return NUM_ITERATIONS * rollout * (each + (left > 1)) + (left == 1)


def main() -> None:
    """Train one cell, and print its row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=TASKS["hopper"].steps, help="(%(default)s)")
    parser.add_argument("--labels", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--envs", type=int, default=TASKS["hopper"].num_envs, help="(%(default)s)")
    given = parser.parse_args()
    print(json.dumps(train(given.seed, steps=given.steps, labels=given.labels, envs=given.envs)))


if __name__ == "__main__":
    main()
