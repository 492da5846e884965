"""TorchRL on a reward that is learned from preferences: at collection, and when a replay buffer is drawn from.

Needs `pip install 'rl-teacher[torchrl]'`. docs/plug.md says what happens when.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from tensordict import TensorDictBase
from torchrl.data import Composite, TensorSpec, Unbounded
from torchrl.envs import EnvBase, RewardSum, StepCounter, Transform, TransformedEnv
from torchrl.envs.utils import step_mdp

from rl_teacher.envs.catalog import spec_of
from rl_teacher.envs.gymnasium.describe import DEFAULT_FPS
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.opening import open_training
from rl_teacher.integrations.pay import Turn
from rl_teacher.integrations.pictures import Draw
from rl_teacher.integrations.reward_training import RewardTraining
from rl_teacher.integrations.settings import Teacher, turn_steps, with_length
from rl_teacher.integrations.steps import Outcome
from rl_teacher.integrations.taught import Taught
from rl_teacher.integrations.torchrl_spaces import Arrays, arrays_of

KEPT_KEYS = ("step_count", "action_mask", "is_init")
"""What an agent may need besides the observation; all else may tell the true reward, and is left out."""
LATE = 2
"""Without `update` a turn is taken in the middle of collecting, once it is this many times due."""


class PreferenceReward(Taught):
    """A reward that is learned while a TorchRL program trains on it.

    The first questions are asked as it is made: it plays random actions in `env`, and fits the reward to the first
    answers. What is collected from `taught.env` holds the learned reward alone, under ("next", "reward").

    Example, which `examples/torchrl_loop.py` has at full length:

        taught = PreferenceReward("cart", GymEnv("CartPole-v1"), labels=60, steps=50_000, teacher="oracle")
        for data in Collector(taught.env, policy, frames_per_batch=1000, total_frames=50_000):
            data = taught.update(data)  # asks, listens, fits; the batch with the newest reward
            ...  # as before
        taught.close()

    Off-policy, `ReplayBuffer(storage=..., transform=taught.relabel)` scores steps when they are drawn.

    Args:
        name: of the run and of its folder, ~/rl-teacher/runs/NAME.
        env: one, or many side by side (GymEnv, SerialEnv, ParallelEnv): batch_size () or (N,). Transforms inside
            change what the reward is learned from, transforms around `taught.env` do not.
        labels: budget, met exactly.
        steps: of the whole training, over which the questions are spread.
        teacher: oracle, mistake, ... (docs/teachers.md), people, path/to/file.py:function, or a function of two
            segments that answers "left", "right", "tie" or "cant_tell".
        observation: key of what the reward is learned from.
        fixed_length: whether all episodes have one length and end for no other reason. No is always safe; yes lets the
            reward be centered. Unset: known of our nine tasks, and no else.
        keep_keys: keys that the agent is to see besides `observation` and KEPT_KEYS.
        draw: where people teach: an observation -> a picture of it, RGB of uint8, (height, width, 3).
        log: gets lines for people.
        others: more settings of a run: seed, resume, pretrain_labels, clip_length, reward, human, ... (docs/config.md).

    Raises:
        ConfigError: the environment has several rewards, keeps no state, or sums its reward itself; or settings
            contradict themselves.
        UnsupportedSpace: nothing here learns from such observations or actions.
        RunExists: the name is taken; choose another, or resume=True.
    """

    def __init__(
        self, name: str, env: EnvBase, *, labels: int, steps: int, teacher: Teacher = "oracle",
        observation: str = "observation", fixed_length: bool | None = None, keep_keys: Sequence[str] = (),
        draw: Draw | None = None, log: Callable[[str], None] = print, **others: Any,
    ) -> None:  # fmt: skip
        _check(env)
        spec = with_length(_spec(env), fixed_length)
        self._arrays = arrays_of(spec.env_id, env, observation)
        self.training = open_training(
            name, spec, "torchrl", obs_space=self._arrays.obs_space, action_space=self._arrays.action_space,
            num_envs=self._arrays.num_envs, labels=labels, steps=steps, teacher=teacher, draw=draw, log=log,
            others=others, has_pictures=False,
        )  # fmt: skip
        self._at_collection = RewardAtCollection(self.training, self._arrays, (observation, *KEPT_KEYS, *keep_keys))
        if not self.training.has_begun:
            env.set_seed(self.training.config.seed)
            self.training.pretrain(_Stepper(env, self._arrays))
        self.env = _RewardedEnv(env, self._at_collection)
        """Where the program collects."""

    @property
    def relabel(self) -> "RewardWhenDrawn":
        """A transform for a replay buffer: steps have the newest reward whenever they are drawn."""
        return RewardWhenDrawn(self.training, self._arrays, self._at_collection)

    def update(self, data: TensorDictBase | None = None) -> Any:
        """Take a turn, if one is due: ask about what was collected, listen, fit. Call it between two batches.

        Args:
            data: a batch that was just collected.

        Returns:
            The batch, with the newest reward in each of its steps; None if none was given. Where a transform around
            `taught.env` writes over the observation, it stays as it was collected.
        """
        self._at_collection.is_driven = True
        if self.training.is_turn_due:
            self._at_collection.turn()
        is_old = self._at_collection.was_turned and not self._at_collection.is_changed_outside
        self._at_collection.was_turned = False
        return self.relabel(data) if data is not None and is_old else data


class _RewardedEnv(TransformedEnv):
    """The user's environment with the learned reward.

    A class of its own, since TorchRL takes a plain TransformedEnv apart when it is put into another one: its transform
    would then no longer be the innermost.
    """


class RewardAtCollection(Transform):
    """Puts the learned reward in the place of the true one, and leaves out what may tell that.

    Args:
        training: has the reward, and is shown every step.
        arrays: makes arrays of what the environment speaks.
        kept: keys of observations that stay.
    """

    def __init__(self, training: RewardTraining, arrays: Arrays, kept: Sequence[str]) -> None:
        super().__init__()
        self.teaching, self.arrays, self.kept = training, arrays, frozenset(kept)
        self.is_driven = False
        """Whether `update` is called."""
        self.is_changed_outside = False
        """Whether a transform around it writes over the observation."""
        self.was_turned = False
        """Whether what was collected since the last `update` may have been paid by an older reward than the newest."""
        self._late_steps = LATE * turn_steps(training.config.num_timesteps)
        self._turned_at = training.steps
        self._obs = np.zeros((arrays.num_envs, *(arrays.obs_space.shape or ())))

    def turn(self) -> Turn:
        """Ask, listen, fit."""
        turn = self.teaching.turn()
        self._turned_at = self.teaching.steps
        self.was_turned |= turn.is_new
        return turn

    def _reset(self, tensordict: TensorDictBase, tensordict_reset: TensorDictBase) -> TensorDictBase:
        mask = tensordict.get("_reset", None)
        which = np.ones(self.arrays.num_envs, bool) if mask is None else self.arrays.flags(mask)
        self.teaching.cut(which)
        self._take_turn_if_late()
        began = self.arrays.obs(tensordict_reset)
        self._obs = np.where(which.reshape(-1, *(1,) * self.arrays.obs_axes), began, self._obs)
        return self._without_others(tensordict_reset)

    def _step(self, tensordict: TensorDictBase, next_tensordict: TensorDictBase) -> TensorDictBase:
        self._take_turn_if_late()
        partial = tensordict.get("_step", None)
        alive = None if partial is None else self.arrays.flags(partial)
        seen = tensordict.get(self.arrays.key, None)
        if not self.is_changed_outside and alive is None and seen is not None:
            self.is_changed_outside = not np.array_equal(self.arrays.numpy(seen), self._obs, equal_nan=True)
        outcome = self.arrays.outcome(next_tensordict, alive)
        paid = self.teaching.pay(self._obs, self.arrays.action(tensordict), outcome)
        made = np.ones(self.arrays.num_envs, bool) if alive is None else alive
        self._obs = np.where(made.reshape(-1, *(1,) * self.arrays.obs_axes), outcome.obs, self._obs)
        next_tensordict.set("reward", self.arrays.reward(paid, next_tensordict.get("reward")))
        return self._without_others(next_tensordict)

    def _take_turn_if_late(self) -> None:
        is_late = self.teaching.steps - self._turned_at >= self._late_steps
        if not self.is_driven and is_late and self.teaching.is_turn_due:
            self.turn()

    def _without_others(self, tensordict: TensorDictBase) -> TensorDictBase:
        dropped = [key for key in self.arrays.told if key not in self.kept]
        return tensordict.exclude(*dropped) if dropped else tensordict

    def transform_observation_spec(self, observation_spec: Composite) -> Composite:
        """Without what is left out."""
        for key in self.arrays.told:
            if key not in self.kept:
                del observation_spec[key]
        return observation_spec

    def transform_reward_spec(self, reward_spec: TensorSpec) -> TensorSpec:
        """Of any size, whatever bounds the true one has."""
        was = reward_spec["reward"]
        reward_spec["reward"] = Unbounded(was.shape, device=was.device, dtype=torch.float32)
        return reward_spec

    def __getstate__(self) -> dict[str, Any]:
        return self.teaching.__getstate__()


class RewardWhenDrawn(Transform):
    """For a replay buffer: steps that are drawn get the newest reward."""

    def __init__(self, training: RewardTraining, arrays: Arrays, at_collection: RewardAtCollection) -> None:
        super().__init__()
        self.teaching, self.arrays = training, arrays
        self.__dict__["_at_collection"] = at_collection  # no part of this one

    def forward(self, tensordict: TensorDictBase) -> TensorDictBase:
        """The same steps with the newest reward under ("next", "reward").

        Raises:
            ConfigError: the steps are not those of the environment: n-step sums, or observations that a transform
                around `taught.env` has changed.
        """
        self._check(tensordict)
        after = tensordict.get("next")
        obs, next_obs = self.arrays.rows(tensordict), self.arrays.rows(after)
        action = self.teaching.actions.from_env(self.arrays.env_action(tensordict))
        terminated = self.arrays.terminated(after, obs.shape[: obs.ndim - self.arrays.obs_axes])
        paid = self.teaching.score(obs, action, next_obs, terminated)
        was = after.get("reward")
        tensordict.set(("next", "reward"), torch.as_tensor(paid).to(was.device, was.dtype).reshape(was.shape))
        return tensordict

    def _check(self, tensordict: TensorDictBase) -> None:
        after = tensordict.get("next", None)
        if after is None or after.get(self.arrays.key, None) is None or tensordict.get(self.arrays.key, None) is None:
            raise ConfigError(
                f"relabel: steps have no {self.arrays.key!r}, or none under 'next', expected both. Keep them in what "
                "is stored: the reward is a function of them."
            )
        if after.get("steps_to_next_obs", None) is not None:
            raise ConfigError(
                "relabel: rewards are sums over several steps (MultiStep), which cannot be made of single steps that "
                "are drawn. Store single steps, or leave out `transform=taught.relabel`."
            )
        if self._at_collection.is_changed_outside:
            raise ConfigError(
                f"relabel: a transform around taught.env writes over {self.arrays.key!r}, which the reward is a "
                "function of. Give it another out_key, or put it inside: PreferenceReward(name, TransformedEnv(...))."
            )

    def __getstate__(self) -> dict[str, Any]:
        return self.teaching.__getstate__()


class _Stepper:
    """An environment under random actions; satisfies steps.Stepper."""

    def __init__(self, env: EnvBase, arrays: Arrays) -> None:
        self._env, self._arrays = env, arrays
        self._now: Any = None

    def reset(self) -> np.ndarray:
        self._now = self._env.reset()
        return self._arrays.obs(self._now)

    def step(self, env_action: np.ndarray) -> Outcome:
        self._now.set("action", self._arrays.torch_action(env_action, self._env))
        stepped = self._env.step(self._now)
        outcome = self._arrays.outcome(stepped.get("next"), None)
        self._now = self._env.maybe_reset(step_mdp(stepped))
        return outcome._replace(obs=self._arrays.obs(self._now))


def _check(env: EnvBase) -> None:
    if len(env.batch_size) > 1 or not env.batch_locked:
        raise ConfigError(
            f"PreferenceReward: batch_size {tuple(env.batch_size)}, batch_locked {env.batch_locked}, expected an "
            "environment that keeps its state, batch_size () or (N,). Put single ones into a SerialEnv."
        )
    if list(env.reward_keys) != ["reward"] or list(env.action_keys) != ["action"]:
        raise ConfigError(
            f"PreferenceReward: rewards {env.reward_keys} and actions {env.action_keys}, expected one 'reward' and one "
            "'action'. Rename them (RenameTransform); several agents are not taught yet."
        )
    if any(isinstance(transform, RewardSum) for transform in _transforms(env)):
        raise ConfigError(
            "PreferenceReward around RewardSum: it would show the agent the sum of true rewards. Put it around: "
            "TransformedEnv(taught.env, RewardSum())."
        )


def _transforms(env: EnvBase) -> list[Any]:
    """All that is put around an environment, outermost first."""
    found: list[Any] = []
    while isinstance(env, TransformedEnv):
        found += list(env.transform) if hasattr(env.transform, "__iter__") else [env.transform]
        env = env.base_env
    return found


def _spec(env: EnvBase) -> EnvSpec:
    """What must be known of the environment, from the Gymnasium environment in it, where there is one."""
    limits = [one.max_steps for one in _transforms(env) if isinstance(one, StepCounter) and one.max_steps]
    found = _spec_inside(env)
    limits += [found.horizon] if found.horizon else []
    return dataclasses.replace(found, horizon=min(limits)) if limits else found


def _spec_inside(env: EnvBase) -> EnvSpec:
    while isinstance(env, TransformedEnv):
        env = env.base_env
    makers = getattr(env, "create_env_fn", None)
    if makers is not None:  # its environments may be in other processes, so one more is made and looked at
        one = makers[0](**env.create_env_kwargs[0])
        try:
            return _spec(one)
        finally:
            one.close(raise_if_closed=False)
    inside, name = getattr(env, "_env", None), type(env).__name__
    if isinstance(inside, gymnasium.vector.VectorEnv):
        raise ConfigError(
            "PreferenceReward: a GymEnv of several environments does not hand on the last observation of an episode. "
            "Use SerialEnv(n, lambda: GymEnv(...)) or ParallelEnv."
        )
    if isinstance(inside, gymnasium.Env):
        return spec_of(inside)
    return EnvSpec(name, name, False, None, False, DEFAULT_FPS, None, f"{name!r} is an environment that was handed in.")
