"""LocalCollector: environments in this process; the only place in training where they move."""

import numpy as np
from jaxtyping import Bool, Float, Int, Num, PRNGKeyArray

from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import Rollout
from rl_teacher.protocols import Actor, Envs


class LocalCollector:
    """Environments in the middle of their episodes, and how far each has come; satisfies protocols.Collector."""

    def __init__(self, envs: Envs, actions: ActionSpec) -> None:
        self._envs = envs
        self._actions = actions
        self._obs, _ = envs.reset()
        self._episode = np.zeros(envs.num_envs, np.int64)
        self._episode_step = np.zeros(envs.num_envs, np.int64)

    @property
    def num_envs(self) -> int:
        """Environments side by side."""
        return self._envs.num_envs

    @property
    def obs_shape(self) -> tuple[int, ...]:
        """Shape of one observation."""
        return tuple(self._obs.shape[1:])

    def restart(self, seed: int) -> None:
        """Begin new episodes everywhere."""
        self._obs, _ = self._envs.reset(seed=seed)
        self._episode += 1
        self._episode_step[:] = 0

    def collect(self, actor: Actor, num_steps: int, capacity: int, key: PRNGKeyArray) -> Rollout:
        """Act for `num_steps` environment steps in all.

        Args:
            actor: the policy, with its parameters fixed.
            num_steps: that count. When it is no multiple of the number of environments, the last step of
                the surplus environments is made and thrown away.
            capacity: time axis of the rollout, >= the steps that each environment makes; the rest is padding,
                so that an agent's update has one shape.
            key: of all randomness of the policy.
        """
        num_envs = self.num_envs
        length = -(-num_steps // num_envs)
        noise = actor.noise(key, capacity, num_envs)
        buffers: _Buffers | None = None
        for t in range(length):
            action = actor.act(self._obs, noise[t])
            clamped = self._actions.clamp(action)
            env_action = self._actions.to_env(clamped)
            if buffers is None:
                buffers = _Buffers(capacity, self._obs, action, clamped, env_action, self._envs.sim_state())
            buffers.before(t, self._obs, action, clamped, env_action, self._envs.sim_state())
            buffers.episode[t], buffers.episode_step[t] = self._episode, self._episode_step
            obs, reward, terminated, truncated, info = self._envs.step(env_action)
            buffers.true_reward[t], buffers.terminated[t], buffers.truncated[t] = reward, terminated, truncated
            ended = terminated | truncated
            self._episode_step += 1
            if ended.any():
                buffers.final_obs[t][ended] = np.asarray(info["final_obs"])[ended]
                self._episode[ended] += 1
                self._episode_step[ended] = 0
            self._obs = obs
        assert buffers is not None, "at least one step is wanted"
        return buffers.rollout(np.array(self._obs), length, num_steps)

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that is needed to go on bit for bit."""
        inner = {f"envs/{name}": array for name, array in self._envs.snapshot().items()}
        return inner | {"episode": self._episode.copy(), "episode_step": self._episode_step.copy()}

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go on from a snapshot."""
        prefix = "envs/"
        inner = {name.removeprefix(prefix): a for name, a in snapshot.items() if name.startswith(prefix)}
        self._obs = self._envs.restore(inner)
        self._episode, self._episode_step = snapshot["episode"].copy(), snapshot["episode_step"].copy()

    def close(self) -> None:
        """Free the environments."""
        self._envs.close()


class _Buffers:
    """The arrays of one rollout; allocated once and handed over whole."""

    def __init__(
        self, capacity: int, obs: np.ndarray, action: np.ndarray, clamped: np.ndarray, env_action: np.ndarray,
        sim_state: np.ndarray,
    ) -> None:  # fmt: skip
        def like(array: np.ndarray) -> np.ndarray:
            return np.zeros((capacity, *array.shape), array.dtype)

        self.obs, self.final_obs = like(obs), like(obs)
        self.action, self.clamped, self.env_action, self.sim_state = map(like, (action, clamped, env_action, sim_state))
        shape = (capacity, len(obs))
        self.true_reward: Float[np.ndarray, "time env"] = np.zeros(shape, np.float32)
        self.terminated: Bool[np.ndarray, "time env"] = np.zeros(shape, bool)
        self.truncated: Bool[np.ndarray, "time env"] = np.zeros(shape, bool)
        self.episode: Int[np.ndarray, "time env"] = np.zeros(shape, np.int64)
        self.episode_step: Int[np.ndarray, "time env"] = np.zeros(shape, np.int64)

    def before(
        self, t: int, obs: np.ndarray, action: np.ndarray, clamped: np.ndarray, env_action: np.ndarray,
        sim_state: np.ndarray,
    ) -> None:  # fmt: skip
        """Keep what is there before step t; the environment's arrays are live and must be copied."""
        self.obs[t], self.action[t], self.clamped[t] = obs, action, clamped
        self.env_action[t], self.sim_state[t] = env_action, sim_state

    def rollout(self, last_obs: Num[np.ndarray, "env ..."], length: int, num_steps: int) -> Rollout:
        """The finished rollout."""
        num_envs = self.true_reward.shape[1]
        counted = (np.arange(self.true_reward.size) < num_steps).reshape(self.true_reward.shape)
        if (
            num_steps % num_envs
        ):  # the surplus environments stop one step earlier: what they saw last is obs[length - 1]
            surplus = ~counted[length - 1]
            last_obs[surplus] = self.obs[length - 1][surplus]
            self.terminated[length - 1] &= ~surplus
            self.truncated[length - 1] &= ~surplus
        return Rollout(
            obs=self.obs, action=self.action, last_obs=last_obs, final_obs=self.final_obs,
            terminated=self.terminated, truncated=self.truncated, counted=counted,
            reward_action=self.clamped, env_action=self.env_action, true_reward=self.true_reward,
            sim_state=self.sim_state, episode=self.episode, episode_step=self.episode_step,
        )  # fmt: skip
