"""Stable-Baselines3 on a reward that is learned from preferences: on-policy and off-policy, unchanged.

Needs `pip install 'rl-teacher[sb3]'`. docs/plug.md says what happens when.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize, unwrap_vec_wrapper

from rl_teacher.envs.catalog import spec_of
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.infos import STATISTICS, EpisodeReturns
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.opening import open_training
from rl_teacher.integrations.pay import Turn
from rl_teacher.integrations.pictures import Draw
from rl_teacher.integrations.reward_training import RewardTraining
from rl_teacher.integrations.sb3_buffers import rescore_rollout, rewrite_replay
from rl_teacher.integrations.settings import Teacher, with_length
from rl_teacher.integrations.steps import Outcome
from rl_teacher.integrations.taught import Taught
from rl_teacher.oneline import written

KEPT_INFOS = ("terminal_observation", "TimeLimit.truncated", "action_mask")
"""What an agent needs of infos; all else may tell the true reward, and is left out."""
WITHOUT_CALLBACK = 20_000
"""Steps after which it is clear that the callback was forgotten."""


class PreferenceReward(Taught):
    """A reward that is learned while a Stable-Baselines3 model trains on it.

    The first questions are asked as it is made: it plays random actions in `venv`, and fits the reward to the first
    answers. Then the callback asks on, and the model learns from the reward alone: no reward, info, buffer or logger
    entry of it holds the true one, but `preferences/true_return`, which is for people.

    Example, which `examples/sb3_ppo.py` has at full length:

        venv = make_vec_env("Hopper-v5", 16)
        taught = PreferenceReward("hop", venv, labels=100, steps=300_000, teacher="oracle")
        model = PPO("MlpPolicy", taught.venv)
        model.learn(300_000, callback=taught.callback)
        taught.close()

    Args:
        name: of the run and of its folder, ~/rl-teacher/runs/NAME.
        venv: of any environments with observations of numbers, or a Dict of them. VecNormalize goes around
            `taught.venv`, not inside.
        labels: budget, met exactly.
        steps: of the whole training, over which the questions are spread.
        teacher: oracle, mistake, ... (docs/teachers.md), people, path/to/file.py:function, or a function of two
            segments that answers "left", "right", "tie" or "cant_tell".
        fixed_length: whether all episodes have one length and end for no other reason. No is always safe; yes lets the
            reward be centered. Unset: known of our nine tasks, and no else.
        keep_infos: names of infos that the agent is to see besides KEPT_INFOS.
        draw: where people teach and the environments cannot draw themselves (render_mode="rgb_array", which
            make_vec_env sets): an observation -> a picture, RGB of uint8, (height, width, 3).
        log: gets lines for people.
        others: more settings of a run: seed, resume, pretrain_labels, clip_length, reward, human, ... (docs/config.md).

    Raises:
        ConfigError: VecNormalize is inside, or settings contradict themselves.
        RunExists: the name is taken; choose another, or resume=True.
    """

    def __init__(
        self, name: str, venv: VecEnv, *, labels: int, steps: int, teacher: Teacher = "oracle",
        fixed_length: bool | None = None, keep_infos: Sequence[str] = (), draw: Draw | None = None,
        log: Callable[[str], None] = print, **others: Any,
    ) -> None:  # fmt: skip
        if not isinstance(venv, VecEnv):
            raise ConfigError(
                f"venv: got {written(venv)}, expected a VecEnv of Stable-Baselines3, such as "
                "make_vec_env('CartPole-v1', 8) or DummyVecEnv([lambda: env])."
            )
        if unwrap_vec_wrapper(venv, VecNormalize) is not None:
            raise ConfigError(
                "PreferenceReward around VecNormalize: the replay buffer would get VecNormalize's original reward, "
                "which is the true one, and the reward would see observations whose scale drifts. Put it outside: "
                "VecNormalize(taught.venv)."
            )
        spec = with_length(_spec(venv), fixed_length)
        flatten = Flattener(spec.env_id, venv.observation_space)
        self.training = open_training(
            name, spec, "stable-baselines3", obs_space=flatten.space, action_space=venv.action_space,
            num_envs=venv.num_envs, labels=labels, steps=steps, teacher=teacher, draw=draw, log=log, others=others,
            has_state=_has_state(venv, spec), copies=getattr(venv.unwrapped, "envs", None),
        )  # fmt: skip
        self.venv = RewardedVecEnv(venv, self.training, flatten, {*KEPT_INFOS, *keep_infos})
        """Where the model trains."""
        self.callback = RewardCallback(self.training)
        """For `model.learn`: asks, listens, fits, and puts each new reward where the old one stands."""
        if not self.training.has_begun:
            venv.seed(self.training.config.seed)
            self.training.pretrain(self.venv.stepper(), self.venv.render_some)


class RewardedVecEnv(VecEnvWrapper):
    """The user's environments, whose rewards are the learned ones, and whose infos tell nothing of the true ones."""

    def __init__(self, venv: VecEnv, training: RewardTraining, flatten: Flattener, kept_infos: Iterable[str]) -> None:
        super().__init__(venv)
        self.training, self.flatten, self.kept_infos = training, flatten, frozenset(kept_infos)
        self.is_driven = False
        """Whether the callback takes part."""
        self._obs = np.zeros((venv.num_envs, 0))
        self._actions = np.zeros(0)
        self._episodes = EpisodeReturns(venv.num_envs)
        self._has_state = _has_state(venv, training.spec)

    def reset(self) -> Any:
        """Begin new episodes everywhere."""
        obs = self.venv.reset()
        self.training.cut()
        self._obs = self.flatten(obs)
        self._episodes.restart(np.ones(self.num_envs, bool))
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        """Hand on the actions."""
        self.training.look(self.render_some)
        self._actions = np.array(actions)
        self.venv.step_async(actions)

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Observations, learned rewards, dones, and infos that tell nothing."""
        if not self.is_driven and self.training.steps > WITHOUT_CALLBACK:
            raise ConfigError(
                "The reward is never asked about. Pass its callback: model.learn(..., callback=taught.callback)."
            )
        state = self._sim_state()
        obs, true_reward, dones, infos = self.venv.step_wait()
        outcome = self._outcome(obs, true_reward, dones, infos, state)
        rewards = self.training.pay(self._obs, self._actions, outcome)
        self._obs = outcome.obs
        return obs, rewards, dones, self._told(rewards, dones, infos)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **others: Any) -> list[Any]:
        """That of the environments, but for HER's compute_reward, which is the true reward."""
        if method_name == "compute_reward":
            raise ConfigError(
                "HerReplayBuffer computes rewards of invented goals by the environment's compute_reward, which is the "
                "true reward. Use replay_buffer_class=rl_teacher.integrations.sb3_buffers.PreferenceHerReplayBuffer."
            )
        return list(self.venv.env_method(method_name, *args, indices=indices, **others))

    def stepper(self) -> "_Stepper":
        """The environments for the time before training."""
        return _Stepper(self)

    def _told(self, rewards: np.ndarray, dones: np.ndarray, infos: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Infos that the agent may see; where an episode ended, its predicted return under Monitor's name."""
        self._episodes.add(rewards, np.ones(self.num_envs, bool))
        told = [{name: info[name] for name in self.kept_infos & info.keys()} for info in infos]
        if dones.any():
            columns = self._episodes.ended(np.asarray(dones, bool))
            for env in np.flatnonzero(dones):
                told[env][STATISTICS] = {name: column[env].item() for name, column in columns.items()}
        return told

    def _outcome(
        self,
        obs: Any,
        true_reward: np.ndarray,
        dones: np.ndarray,
        infos: list[dict[str, Any]],
        state: np.ndarray | None,
    ) -> Outcome:
        flat = self.flatten(obs)
        next_obs, dones = flat, np.asarray(dones, bool)
        if dones.any():
            next_obs = flat.copy()
            for env in np.flatnonzero(dones):
                next_obs[env] = self.flatten.one(infos[env]["terminal_observation"])
        truncated = np.array([bool(info.get("TimeLimit.truncated")) for info in infos]) & dones
        return Outcome(flat, next_obs, np.array(true_reward, np.float32), dones & ~truncated, truncated, None, state)

    def render_some(self, envs: Sequence[int]) -> list[Any]:
        """Pictures of these environments."""
        method = "clip_picture" if self.venv.has_attr("clip_picture") else "render"
        return list(self.venv.env_method(method, indices=list(envs)))

    def _sim_state(self) -> np.ndarray | None:
        return np.stack(self.venv.env_method("sim_state")) if self._has_state else None

    def __getstate__(self) -> dict[str, Any]:
        return self.training.__getstate__()


class _Stepper:
    """Environments under random actions; satisfies reward_training.Stepper."""

    def __init__(self, rewarded: RewardedVecEnv) -> None:
        self._rewarded = rewarded

    def reset(self) -> np.ndarray:
        self._rewarded._obs = self._rewarded.flatten(self._rewarded.venv.reset())
        return self._rewarded._obs

    def step(self, env_action: np.ndarray) -> Outcome:
        state = self._rewarded._sim_state()
        obs, true_reward, dones, infos = self._rewarded.venv.step(env_action)
        outcome = self._rewarded._outcome(obs, true_reward, dones, infos, state)
        self._rewarded._obs = outcome.obs
        return outcome


class RewardCallback(BaseCallback):
    """Takes a turn of the reward at the end of rollouts, and puts a new one where the old one stands."""

    def __init__(self, training: RewardTraining) -> None:
        super().__init__()
        self.training = training

    def _on_training_start(self) -> None:
        rewarded = _rewarded_env(self.model)
        if rewarded is None or rewarded.training is not self.training:
            raise ConfigError(
                "The model trains in other environments. Make it with those of the reward: PPO(policy, taught.venv)."
            )
        rewarded.is_driven = True
        if self.training.steps != self.model.num_timesteps:
            self.training.log(
                f"The reward has seen {self.training.steps:,} steps, the model {self.model.num_timesteps:,}: they were "
                "saved at different moments. Both go on; no label is lost."
            )

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        """On-policy: a whole rollout is there. Off-policy: some steps are, and all are in the replay buffer."""
        if self.training.is_turn_due:
            buffer = getattr(self.model, "rollout_buffer", None)
            recent = self.training.recent(buffer.buffer_size) if buffer is not None else []
            turn = self.training.turn()
            if turn.is_new:
                self._put(turn, recent)
        self.logger.record("preferences/labels", self.training.learner.dataset.num_answered)
        for name, value in self.training.returns.items():
            self.logger.record(f"preferences/{name}", value)

    def _put(self, turn: Turn, recent: list[Any]) -> None:
        """The new reward in the place of the old one."""
        factor = _reward_factor(self.model)
        if recent:
            dones = np.asarray(self.locals["dones"], np.float32)
            change = self.training.rescored(recent) * factor
            rescore_rollout(self.model.rollout_buffer, change, dones)
        replay = getattr(self.model, "replay_buffer", None)
        if replay is not None:
            rewarded = _rewarded_env(self.model)
            assert rewarded is not None, "the training began with it"
            rewrite_replay(replay, self.training, rewarded.flatten)

    def __getstate__(self) -> dict[str, Any]:
        return self.training.__getstate__()


def _rewarded_env(model: BaseAlgorithm) -> RewardedVecEnv | None:
    env = model.get_env()
    found = None if env is None else unwrap_vec_wrapper(env, RewardedVecEnv)
    return found if isinstance(found, RewardedVecEnv) else None


def _reward_factor(model: BaseAlgorithm) -> float:
    """What a VecNormalize around the environments multiplies rewards by."""
    normalizer = model.get_vec_normalize_env()
    if normalizer is None or not normalizer.norm_reward:
        return 1.0
    return float(1.0 / np.sqrt(normalizer.ret_rms.var + normalizer.epsilon))


class _First:
    """What can be asked of the first of environments side by side, wherever they are."""

    def __init__(self, venv: VecEnv) -> None:
        self._venv = venv
        self.spec, self.metadata, self.unwrapped = self._get("spec"), self._get("metadata"), self

    @property
    def dt(self) -> Any:
        return self._get("dt")

    def get_wrapper_attr(self, name: str) -> Any:
        found = self._get(name)
        if found is None:
            raise AttributeError(name)
        return found

    def _get(self, name: str) -> Any:
        return self._venv.get_attr(name, indices=0)[0] if self._venv.has_attr(name) else None


def _spec(venv: VecEnv) -> EnvSpec:
    first: Any = _First(venv)
    return spec_of(first, None if first.spec is not None else _class_name(venv))


def _has_state(venv: VecEnv, spec: EnvSpec) -> bool:
    return spec.is_task and venv.has_attr("sim_state")


def _class_name(venv: VecEnv) -> str:
    """What to call environments that no id made."""
    envs = getattr(venv.unwrapped, "envs", None)
    return type(envs[0].unwrapped).__name__ if envs else "environment"
