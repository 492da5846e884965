"""RLlib on a reward that is learned from preferences: PPO and whatever else learns from fresh episodes.

Needs `pip install 'rl-teacher[rllib]'`. docs/plug.md says what happens when.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NoReturn

import numpy as np
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.tune.registry import register_env

from rl_teacher.envs.catalog import spec_of
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.opening import open_training
from rl_teacher.integrations.pictures import Draw
from rl_teacher.integrations.rllib_chunks import Chunk, Columns, take_chunk
from rl_teacher.integrations.rllib_env import MakeBlind, MakeEnv, layout_of, made
from rl_teacher.integrations.settings import Teacher, with_length
from rl_teacher.integrations.steps import Outcome
from rl_teacher.integrations.taught import Taught


class PreferenceReward(Taught):
    """A reward that is learned while an algorithm of RLlib trains on it.

    The first questions are asked as it is made: it plays random actions in environments of its own, in this process,
    and fits the reward to the first answers. Env runners see rewards of 0. The learner connector, which each batch of
    episodes goes through, shows them to the teacher, and writes the learned rewards into them.

    Example, which `examples/rllib_ppo.py` has at full length:

        taught = PreferenceReward("cart", "CartPole-v1", num_envs=8, labels=60, steps=50_000, teacher="oracle")
        config = (
            PPOConfig().environment(taught.env)
            .env_runners(num_env_runners=2, num_envs_per_env_runner=4)
            .learners(learner_connector=taught.connector)
        )
        algorithm = config.build_algo()
        for _ in range(13):
            algorithm.train()
        taught.close()

    Args:
        name: of the run and of its folder, ~/rl-teacher/runs/NAME.
        make: an id of Gymnasium, or a function of RLlib's env_config that makes one environment.
        num_envs: of all env runners together: num_envs_per_env_runner times num_env_runners, or times 1 if that is 0.
        labels: budget, met exactly.
        steps: of the whole training, over which the questions are spread.
        teacher: oracle, mistake, ... (docs/teachers.md), people, path/to/file.py:function, or a function of two
            segments that answers "left", "right", "tie" or "cant_tell".
        env_config: for the environments made here; those of the env runners get theirs from RLlib.
        fixed_length: whether all episodes have one length and end for no other reason. No is always safe; yes lets the
            reward be centered. Unset: known of our nine tasks, and no else.
        keep_infos: names of infos that stay in the episodes.
        draw: where people teach: an observation -> a picture of it, RGB of uint8, (height, width, 3).
        log: gets lines for people.
        others: more settings of a run: seed, resume, pretrain_labels, clip_length, reward, human, ... (docs/config.md).

    Raises:
        ConfigError: settings contradict themselves.
        UnsupportedSpace: nothing here learns from such observations or actions.
        RunExists: the name is taken; choose another, or resume=True.
    """

    def __init__(
        self, name: str, make: str | MakeEnv, *, num_envs: int, labels: int, steps: int, teacher: Teacher = "oracle",
        env_config: Mapping[str, Any] | None = None, fixed_length: bool | None = None, keep_infos: Sequence[str] = (),
        draw: Draw | None = None, log: Callable[[str], None] = print, **others: Any,
    ) -> None:  # fmt: skip
        first = made(make, env_config or {})
        spec = with_length(spec_of(first), fixed_length)
        flatten = Flattener(spec.env_id, first.observation_space)
        self.training = open_training(
            name, spec, "rllib", obs_space=flatten.space, action_space=first.action_space, num_envs=num_envs,
            labels=labels, steps=steps, teacher=teacher, draw=draw, log=log, others=others, has_pictures=False,
        )  # fmt: skip
        layout = layout_of(first, flatten)
        self.env = f"rl_teacher/{name}"
        """For `AlgorithmConfig.environment`."""
        register_env(self.env, MakeBlind(make, spec.env_id, tuple(keep_infos)))
        self._columns = Columns(self.training, layout, flatten.space.dtype, first.action_space.dtype)
        self.connector = MakeConnector(self)
        """For `AlgorithmConfig.learners(learner_connector=...)`."""
        if self.training.has_begun:
            first.close()
        else:
            copies = [first, *(made(make, env_config or {}) for _ in range(num_envs - 1))]
            with closing(_Copies(copies, flatten, self.training.config.seed)) as envs:
                self.training.pretrain(envs)

    def take(self, episode: Any, num_extra: int) -> Chunk:
        """What the environment said of the steps of an episode; no trace of it stays there.

        Args:
            episode: a SingleAgentEpisode.
            num_extra: steps at its end that are none.
        """
        return take_chunk(episode, self._columns.layout, num_extra)

    def observe(self, chunks: Sequence[Chunk]) -> None:
        """Show the teacher what just happened, and take a turn if one is due."""
        self._columns.add(chunks)
        if self.training.is_turn_due:
            self.training.turn()

    def rewards(self, chunk: Chunk) -> np.ndarray:
        """What each step of a chunk is worth by the newest reward, (time,)."""
        terminated = chunk.rows.terminated
        action = self.training.actions.from_env(self._columns.env_action(chunk.rows))
        obs, next_obs = self._columns.obs(chunk.obs), self._columns.obs(chunk.rows.next_obs)
        return self.training.score(obs, action, next_obs, terminated)


class MakeConnector:
    """What a learner makes its connector with, in this process alone."""

    def __init__(self, taught: PreferenceReward) -> None:
        self._taught = taught

    def __call__(self, *spaces: Any) -> "LearnedRewards":
        """A piece of the learner's pipeline."""
        return LearnedRewards(*spaces[:2], taught=self._taught)

    def __deepcopy__(self, memo: Any) -> "MakeConnector":
        return self  # RLlib copies its configs

    def __reduce__(self) -> tuple[Any, ...]:
        return Elsewhere, ()  # configs go to env runners too, which never call it


class Elsewhere:
    """In the place of MakeConnector in other processes."""

    def __call__(self, *_: Any) -> NoReturn:
        """There is no reward here.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            "rl-teacher: the learner runs in another process than the reward. Use learners(num_learners=0), and "
            "config.build_algo() in the program that made PreferenceReward; not Tune."
        )


class LearnedRewards(ConnectorV2):
    """Shows the teacher the episodes of a batch, and writes the learned rewards into them."""

    def __init__(self, *spaces: Any, taught: PreferenceReward) -> None:
        super().__init__(*spaces)
        self._taught = taught

    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: list[Any], explore: bool | None = None,
        shared_data: dict[str, Any] | None = None, metrics: Any = None, **others: Any,
    ) -> Any:  # fmt: skip
        """The batch as it is; rewards in its episodes are the learned ones.

        Raises:
            ConfigError: the episodes are of several agents, of other environments, or come again from a replay buffer.
        """
        if odd := [type(one).__name__ for one in episodes if not isinstance(one, SingleAgentEpisode)]:
            raise ConfigError(f"rl-teacher: episodes are {odd[0]}, expected those of a single agent.")
        # PPO and its like have made each episode longer by a step that is none, for the last value.
        num_extra = 1 if (shared_data or {}).get("_added_loss_mask_for_valid_episode_ts") else 0
        chunks = [self._taught.take(episode, num_extra) for episode in episodes]
        self._taught.observe([chunk for chunk in chunks if len(chunk)])
        for episode, chunk in zip(episodes, chunks, strict=True):
            paid = self._taught.rewards(chunk)
            episode.set_rewards(new_data=np.concatenate([paid, np.zeros(num_extra, np.float32)]))
        if metrics is not None:
            for name, value in self._taught.returns.items():
                metrics.log_value(("preferences", name), value, window=1)
        return batch


class _Copies:
    """Environments under random actions; satisfies steps.Stepper."""

    def __init__(self, envs: Sequence[Any], flatten: Flattener, seed: int) -> None:
        self._envs, self._flatten, self._seed = envs, flatten, seed
        self._is_seeded = False

    def reset(self) -> np.ndarray:
        seeds = [None if self._is_seeded else self._seed + i for i in range(len(self._envs))]
        self._is_seeded = True
        return np.stack([self._one(env.reset(seed=seed)) for env, seed in zip(self._envs, seeds, strict=True)])

    def step(self, env_action: np.ndarray) -> Outcome:
        steps = [env.step(_own(action)) for env, action in zip(self._envs, env_action, strict=True)]
        terminated, truncated = (np.array([bool(step[i]) for step in steps]) for i in (2, 3))
        next_obs = np.stack([self._one(step) for step in steps])
        obs = next_obs.copy()
        for i in np.flatnonzero(terminated | truncated).tolist():
            obs[i] = self._one(self._envs[i].reset())
        true_reward = np.array([step[1] for step in steps], np.float32)
        return Outcome(obs, next_obs, true_reward, terminated, truncated & ~terminated)

    def close(self) -> None:
        for env in self._envs:
            env.close()

    def _one(self, told: Any) -> np.ndarray:
        return self._flatten.one(told[0])


def _own(action: Any) -> Any:
    """An action as a single environment takes it: numbers of choices as int."""
    return int(action) if np.ndim(action) == 0 else np.array(action)
