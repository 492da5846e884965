"""Gymnasium's environments with a reward that is learned from preferences, many side by side or a single one.

docs/plug.md says what happens when.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Literal, Self

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import VectorEnv, VectorWrapper
from jaxtyping import Bool, Float, Shaped

from rl_teacher.errors import ConfigError
from rl_teacher.integrations.gymnasium_steps import SingleSteps, VectorSteps, autoreset_mode
from rl_teacher.integrations.infos import KEPT_INFOS, EpisodeReturns, cleaned, statistics_of
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.opening import open_training
from rl_teacher.integrations.pictures import Draw
from rl_teacher.integrations.settings import Teacher, with_length
from rl_teacher.integrations.turns import Turns, spec_inside

Step = tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]
ALL = np.ones(1, bool)
"""The only one of one environment."""


class PreferenceVectorReward(VectorWrapper[Any, Any, Any, Any, Any]):
    """A vector environment whose reward is learned from preferences while an agent trains in it.

    The first questions are asked as it is made: it plays random actions in `envs`, and fits the reward to the first
    answers. Then `step` pays with the learned reward, and its infos tell nothing of the true one. Questions are asked
    and the reward is fitted in turns, before a step; or, once `update` was called, there alone.

    Example, which `examples/gymnasium_loop.py` has at full length:

        envs = PreferenceVectorReward(gymnasium.make_vec("CartPole-v1", 8), "cart", labels=60, steps=50_000)
        obs, _ = envs.reset(seed=1)
        while envs.training.steps < 50_000:
            obs, rewards, terminated, truncated, infos = envs.step(policy(obs))
        envs.close()

    Args:
        envs: of any environments with observations of numbers, or a Dict of them, in any autoreset mode. Wrappers that
            normalize go around, not inside.
        name: of the run and of its folder, ~/rl-teacher/runs/NAME.
        labels: budget, met exactly.
        steps: of the whole training, over which the questions are spread.
        teacher: oracle, mistake, ... (docs/teachers.md), people, path/to/file.py:function, or a function of two
            segments that answers "left", "right", "tie" or "cant_tell".
        fixed_length: whether all episodes have one length and end for no other reason. No is always safe; yes lets the
            reward be centered. Unset: known of our nine tasks, and no else.
        keep_infos: names of infos that the agent is to see besides KEPT_INFOS.
        draw: where people teach and the environments cannot draw themselves (render_mode="rgb_array"): an observation
            -> a picture, RGB of uint8, (height, width, 3).
        log: gets lines for people.
        others: more settings of a run: seed, resume, pretrain_labels, clip_length, reward, human, ... (docs/config.md).

    Raises:
        ConfigError: the autoreset mode is unknown, a wrapper that normalizes is inside, or settings contradict each
            other.
        RunExists: the name is taken; choose another, or resume=True.
        UnsupportedSpace: nothing here learns from such observations or actions.
    """

    def __init__(
        self, envs: VectorEnv[Any, Any, Any], name: str, *, labels: int, steps: int, teacher: Teacher = "oracle",
        fixed_length: bool | None = None, keep_infos: Sequence[str] = (), draw: Draw | None = None,
        log: Callable[[str], None] = print, **others: Any,
    ) -> None:  # fmt: skip
        super().__init__(envs)
        autoreset_mode(envs)  # before anything is written
        spec = with_length(spec_inside(envs), fixed_length)
        self.flatten = Flattener(spec.env_id, envs.single_observation_space)
        self.training = open_training(
            name, spec, "gymnasium", obs_space=self.flatten.space, action_space=envs.single_action_space,
            num_envs=envs.num_envs, labels=labels, steps=steps, teacher=teacher, draw=draw, log=log, others=others,
            has_state=spec.is_task, copies=getattr(envs.unwrapped, "envs", None),
        )  # fmt: skip
        self.kept_infos = KEPT_INFOS | set(keep_infos)
        self._steps = VectorSteps(envs, self.training.spec, self.flatten, self.training.config.seed)
        self.training.pretrain(self._steps, self._steps.render)
        self._steps.obs = None  # its owner resets it before the first step
        self._episodes, self._turns = EpisodeReturns(envs.num_envs), Turns(self.training, self.flatten)

    # -- as of any vector environment ----------------------------------------------------------------------------

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin new episodes: everywhere, or where `options["reset_mask"]` says so, if `envs` know of it.

        Episodes that had not ended are cut, which is no end of them.
        """
        given = None if options is None else dict(options)  # Gymnasium takes the mask out
        mask = None if given is None else given.get("reset_mask")
        obs, infos = self.env.reset(seed=seed, options=given)
        flat = self.flatten(obs)
        which = np.ones(self.num_envs, bool)
        if mask is not None and self._steps.obs is not None:
            moved = (flat != self._steps.obs).reshape(self.num_envs, -1).any(axis=1)  # environments that know no mask
            which = np.asarray(mask, bool) | moved
        self.training.cut(which)
        self._episodes.restart(which)
        self._steps.obs, self._steps.ended[which] = flat, False
        return deepcopy(obs), cleaned(infos, self.kept_infos)

    def step(self, actions: Shaped[np.ndarray, "env ..."]) -> Step:
        """One step of all, paid with the learned reward: (obs, rewards, terminated, truncated, infos).

        Where environments were only reset (autoreset mode NEXT_STEP), the reward is 0.

        Raises:
            ResetNeeded: nothing was reset yet, or an environment has ended and is not reset by itself.
        """
        before, env_id = self._steps.obs, self.training.spec.env_id
        if before is None:
            raise ResetNeeded(f"env {env_id!r}: step() before reset(). Call reset() first.")
        self._turns.before_step()
        self.training.look(self._steps.render)
        given = np.array(actions)
        made = self._steps.make(given)
        paid = self.training.pay(before, given, made.outcome)
        terminated, truncated = made.outcome.terminated, made.outcome.truncated
        self._episodes.add(paid, np.ones(self.num_envs, bool) if made.outcome.alive is None else made.outcome.alive)
        told = cleaned(made.infos, self.kept_infos, statistics_of(self._episodes, terminated | truncated))
        return made.obs, paid.astype(np.float64), terminated.copy(), truncated.copy(), told

    def close(self, **others: Any) -> None:
        """Ask what is left of the budget, write the reward and the summary; close the environments. Twice is fine."""
        self.training.close()
        self.env.close(**others)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            self.training.leave()  # so that it can be resumed
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.training.__getstate__()

    # -- the reward ----------------------------------------------------------------------------------------------

    def update(self) -> bool:
        """Say that no rollout is under way, so that a turn may be taken; right after an update of the agent, say.

        Who never calls it has the reward change before some step; who does has it change here alone.

        Returns:
            Whether the reward has changed since the last call: rewards that are stored are then of an older one.
        """
        return self._turns.update()

    @property
    def reward_version(self) -> int:
        """How often the reward has changed since this object was made."""
        return self._turns.version

    def reward_of(
        self, obs: Any, actions: Shaped[np.ndarray, "*batch"], next_obs: Any, terminated: Bool[np.ndarray, "*batch"]
    ) -> Float[np.ndarray, "*batch"]:
        """What the newest reward pays for steps, such as those of a replay buffer; nothing is recorded.

        Args:
            obs: before each step, as `step` returned them: (*batch, *obs), or a dict of such.
            actions: as `step` was given them: (*batch, *act).
            next_obs: after each step: at the end of an episode its last observation, not the first of the next.
            terminated: whether the step ended its episode; a time limit is no end.

        Raises:
            RewardShapeError: they have other shapes than in the environment.
        """
        return self._turns.reward_of(obs, actions, next_obs, terminated)


class PreferenceReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A single environment whose reward is learned from preferences while an agent trains in it.

    As `PreferenceVectorReward`, which has the words of all arguments, for `gymnasium.make` and everything that takes
    what it makes.

    Example, which `examples/gymnasium_single.py` has at full length:

        env = PreferenceReward(gymnasium.make("Pendulum-v1"), "swing", labels=60, steps=50_000, fixed_length=True)
        obs, _ = env.reset(seed=1)
        while env.training.steps < 50_000:
            obs, reward, terminated, truncated, info = env.step(policy(obs))
            if terminated or truncated:
                obs, _ = env.reset()
        env.close()
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], name: str, *, labels: int, steps: int, teacher: Teacher = "oracle",
        fixed_length: bool | None = None, keep_infos: Sequence[str] = (), draw: Draw | None = None,
        log: Callable[[str], None] = print, **others: Any,
    ) -> None:  # fmt: skip
        super().__init__(env)
        copies, spec = [env], with_length(spec_inside(env), fixed_length)
        self.flatten = Flattener(spec.env_id, env.observation_space)
        self.training = open_training(
            name, spec, "gymnasium", obs_space=self.flatten.space, action_space=env.action_space, num_envs=1,
            labels=labels, steps=steps, teacher=teacher, draw=draw, log=log, others=others, has_state=spec.is_task,
            copies=copies,
        )  # fmt: skip
        self.kept_infos = KEPT_INFOS | set(keep_infos)
        self.env = copies[0]
        self._steps = SingleSteps(self.env, self.training.spec, self.flatten, self.training.config.seed)
        self.training.pretrain(self._steps, self._steps.render)
        self._steps.obs = None  # its owner resets it before the first step
        self._episodes, self._turns = EpisodeReturns(1), Turns(self.training, self.flatten)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode; one that had not ended is cut, which is no end of it."""
        obs, info = self.env.reset(seed=seed, options=options)
        self.training.cut()
        self._episodes.restart(ALL)
        self._steps.obs = self.flatten.one(obs)[None]
        return deepcopy(obs), cleaned(info, self.kept_infos)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step, paid with the learned reward: (obs, reward, terminated, truncated, info).

        Raises:
            ResetNeeded: no episode has begun, or the last one has ended.
        """
        before, env_id = self._steps.obs, self.training.spec.env_id
        if before is None:
            raise ResetNeeded(f"env {env_id!r}: step() before reset(), or after the end of an episode. Call reset().")
        self._turns.before_step()
        self.training.look(self._steps.render)
        given = np.array(action)[None]
        made = self._steps.make(action)
        paid = self.training.pay(before, given, made.outcome)
        terminated, truncated = bool(made.outcome.terminated[0]), bool(made.outcome.truncated[0])
        if terminated or truncated:
            self._steps.obs = None
        self._episodes.add(paid, ALL)
        statistics = statistics_of(self._episodes, made.outcome.terminated | made.outcome.truncated, single=True)
        return made.obs, float(paid[0]), terminated, truncated, cleaned(made.infos, self.kept_infos, statistics)

    def close(self) -> None:
        """Ask what is left of the budget, write the reward and the summary; close the environment. Twice is fine."""
        self.training.close()
        self.env.close()

    def __exit__(self, *error: Any) -> Literal[False]:
        if error and error[0] is not None:
            self.training.leave()  # so that it can be resumed
        self.close()
        return False

    def __getstate__(self) -> dict[str, Any]:
        return self.training.__getstate__()

    @property
    def spec(self) -> None:  # type: ignore[override]  # Gymnasium's own wrappers have a property here, too
        """None: what an id makes again has the true reward."""
        return

    def get_wrapper_attr(self, name: str) -> Any:
        """That of this wrapper or of what is inside; but for compute_reward, which is the true reward."""
        if name == "compute_reward":
            raise ConfigError(
                "compute_reward of the environment is the true reward. Ask reward_of(obs, actions, next_obs, "
                "terminated) with the invented goal in the observations; or use rl_teacher.integrations.sb3."
            )
        return super().get_wrapper_attr(name)

    def update(self) -> bool:
        """As `PreferenceVectorReward.update`: a turn may be taken; whether the reward has changed."""
        return self._turns.update()

    @property
    def reward_version(self) -> int:
        """How often the reward has changed since this object was made."""
        return self._turns.version

    def reward_of(
        self, obs: Any, actions: Shaped[np.ndarray, "*batch"], next_obs: Any, terminated: Bool[np.ndarray, "*batch"]
    ) -> Float[np.ndarray, "*batch"]:
        """As `PreferenceVectorReward.reward_of`: what the newest reward pays for steps."""
        return self._turns.reward_of(obs, actions, next_obs, terminated)
