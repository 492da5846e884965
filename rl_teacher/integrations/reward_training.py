"""RewardTraining: a reward that is learned from preferences while somebody else's agent trains on it."""

import math
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Float, Num, Shaped

from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import input_names
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import CheckpointError, ConfigError
from rl_teacher.integrations import saved
from rl_teacher.integrations.padding import padded
from rl_teacher.integrations.pay import Pay, Turn
from rl_teacher.integrations.pictures import Draw, PictureWindows, Render
from rl_teacher.integrations.random_rollouts import random_rollouts
from rl_teacher.integrations.replays import Replays, replays_of
from rl_teacher.integrations.settings import turn_steps
from rl_teacher.integrations.steps import Outcome, Stepper
from rl_teacher.integrations.teacher import attached, find_people, teacher_at_once
from rl_teacher.preferences.fitted import Fit
from rl_teacher.protocols import Teacher, UpdateResult
from rl_teacher.rewards.export import FrameSpec, to_portable, write_reward
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.rollouts.recorder import Recorder, Transitions
from rl_teacher.storage.folder import open_run, resumed_settings
from rl_teacher.storage.names import REWARD
from rl_teacher.teachers.scripted import Script
from rl_teacher.training.build import build_learner
from rl_teacher.training.clock import Clock
from rl_teacher.training.reporter import Reporter
from rl_teacher.training.segment_length import steps_of_segment
from rl_teacher.training.world import hold_steps

LEAST_DUE, WINDOWS_PER_QUESTION = 2, 4
"""Where people are shown pictures, a turn draws four windows for each question that is due, but for two at least."""


class RewardTraining:
    """Watches the steps of somebody's environments, asks a teacher about them, and says what each step is worth.

    It is what all integrations share. It knows no agent: whoever steps the environments calls `pretrain` once, `pay`
    for every step, `turn` when `is_turn_due` and no agent is in the middle of an update, and `close` at the end. The
    reward changes in turns only.

    Args:
        config: complete, from `integrations.settings.settings`.
        spec: of the environment.
        obs_space: a Box, of one observation as it is recorded.
        action_space: of one environment.
        num_envs: side by side.
        script: a function of two segments that answers, where the teacher is one.
        has_state: whether `Outcome.sim_state` is known, and a task's clips are drawn from it.
        has_pictures: whether environments can be drawn: `pretrain` and `look` are then handed what draws them.
        copies: the single environments, where they are in this process. Where people teach, they are replaced by such
            as remember the seeds of their resets, if their episodes can be played again and drawn elsewhere.
        draw: a picture of an observation, for people; it comes first.
        log: gets lines for people.

    Raises:
        RunExists: the name is taken, and the run is not resumed.
        RunChanged: it is resumed with other settings.
        UnsupportedSpace: nothing here learns from such observations or actions.
    """

    def __init__(
        self, config: RunConfig, spec: EnvSpec, *, obs_space: spaces.Space[Any], action_space: spaces.Space[Any],
        num_envs: int, script: Script | None = None, has_state: bool = False, has_pictures: bool = True,
        copies: list[gymnasium.Env[Any, Any]] | None = None, draw: Draw | None = None,
        log: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self.actions = action_spec(spec.env_id, obs_space, action_space)
        self.spec, self.num_envs, self.log = spec, num_envs, log
        self.config, notes = resumed_settings(config)
        self.segment_steps = steps_of_segment(self.config, spec)
        self._people = find_people(self.config, log, has_pictures=has_pictures or has_state or draw is not None)
        self.folder, self._lock = open_run(self.config)
        self._names = input_names(spec, math.prod(obs_space.shape or ()), self.actions.size)
        obs_shape = tuple(obs_space.shape or ())
        self._frames = FrameSpec(spec.canonical_id, obs_shape, self.actions, self._names, str(obs_space.dtype))
        self.steps, self.iteration = 0, 0
        self.paid_by: Pay | None = None
        """The newest, until the next turn; None before the first fit, while every step is worth 0."""
        self.seconds_inside = 0.0
        """Time spent here since training began: watching, scoring, asking, fitting [s]."""
        self._clock, self._streams = Clock(), Streams(self.config.seed)
        self.windows: PictureWindows | None = None
        """Which steps are drawn, where people are shown what environments draw themselves."""
        self._replays: Replays | None = None
        if self._people is not None and not has_state and draw is None:
            self._replays = replays_of(copies, obs_space, spec, self.config, log)
            if self._replays is None:
                self.windows = PictureWindows(self.segment_steps, self._streams.generator("pictures"), num_envs)
        teacher: Teacher
        if self._people is None:
            teacher, audience = teacher_at_once(self.config, spec, script), None
        else:
            teacher, audience = attached(self._people, self.folder, spec, self.windows, self._replays, draw, log)
        self.learner = build_learner(
            self.config, spec, self.folder, teacher, obs_shape=obs_shape, num_actions=self.actions.size,
            segment_steps=self.segment_steps, shown=None if self.windows is None else self.windows.shown,
            history=None if self._replays is None else self._replays.history, life=self._life(),
        )  # fmt: skip
        self._episodes = EpisodeTracker(num_envs, spec.horizon, is_fixed_horizon=spec.is_fixed_horizon)
        self._reporter = Reporter(
            self.config, spec, self._names, self.folder, episodes=self._episodes, learner=self.learner,
            clock=self._clock, audience=audience, videos=audience if has_state else None, log=log,
            shows_progress=False,
        )  # fmt: skip
        self._recorder = Recorder(num_envs)
        self._stats = RunningStats.of_shape((math.prod(obs_shape),))
        self._turn_steps, self._last_turn, self._saved_at = turn_steps(self.config.num_timesteps), 0, time.monotonic()
        self._is_closed = False
        self._seen: Rollout | None = None
        """The last one before training."""
        self._resume()
        for line in notes:
            log(line)

    def _life(self) -> str:
        """A name of this process where it does not repeat what another one did, so that no id is used twice."""
        if self._people is not None:
            return self._people.life
        return uuid.uuid4().hex if self.config.resume else ""

    def _resume(self) -> None:
        """Go on where the run was stopped, if it is resumed and has begun to train."""
        found = saved.load(self.folder, self.learner, self._stats) if self.config.resume else None
        if self.config.resume:
            self.learner.recall()
        if found is None:
            self._reporter.start(None)
            return
        self.iteration, self.steps = found.iteration, found.steps
        self.learner.restore(found.learner, self.iteration, self.steps, repeats=False)
        self._stats, self._last_turn = found.stats, self.steps
        self._recorder = Recorder(self.num_envs, first_episode=found.next_episode)
        self._clock.restore(found.seconds)
        self._reporter.restore(found.wall_seconds, found.metrics)
        self._reporter.start(self.steps)
        self._pay(None, found.factor)
        self._plan_next()
        self.log(f"Resuming at {self.steps:,} steps with {self.learner.dataset.num_labels} labels.")

    @property
    def has_begun(self) -> bool:
        """Whether the time before training is over."""
        return self.iteration > 0

    @property
    def is_turn_due(self) -> bool:
        """Whether enough steps were made since the last turn."""
        is_over = self.steps >= self.config.num_timesteps > self._last_turn
        return len(self._recorder) > 0 and (is_over or self.steps - self._last_turn >= self._turn_steps)

    # -- before training -----------------------------------------------------------------------------------------

    def pretrain(self, envs: Stepper, render: Render | None = None) -> None:
        """Act at random, ask about pairs of what happened, wait for three quarters of the answers, fit the reward.

        Args:
            envs: whose steps these are.
            render: draws few of them, where people are shown what environments draw.

        Where it fails, or is stopped, the files of the run are let go of.
        """
        if self.has_begun:
            return
        try:
            self._pretrain(envs, render)
        except BaseException:
            self.leave()
            raise

    def _pretrain(self, envs: Stepper, render: Render | None) -> None:
        self.log("Random actions come first, to have something to ask about. No agent learns yet.")
        rollouts = random_rollouts(
            envs, self._recorder, self.actions, self.spec, num_envs=self.num_envs, segment_steps=self.segment_steps,
            num_segments=2 * self.learner.pretrain_labels, hold_steps=hold_steps(self.config, self.spec),
            streams=self._streams, plan=self._plan_first, look=lambda: self.look(render),
        )  # fmt: skip
        for progress in self.learner.pretrain(self._seeing(rollouts), num_fit_steps=self.config.pretrain_iters):
            self._reporter.pretraining(progress)
        self._reporter.fitted(0, self.learner.first_fit)
        self._reporter.pretrained(self.learner)
        self._clock.restart()
        self._reporter.restart_clock(0)
        self.iteration = 1
        self._pay(self._seen)
        self._seen = None
        self._recorder.restart()
        self._plan_next()
        self._save(at_once=True)

    # -- pictures ------------------------------------------------------------------------------------------------

    def look(self, render: Render | None) -> None:
        """Draw what people may be asked about: to be called before each step; `render` draws few of them, or none."""
        if self.windows is not None and render is not None:
            self.windows.look(render, *self._recorder.place)
        if self._replays is not None:
            self._replays.note(*self._recorder.place)

    def _plan_first(self, num_rounds: int) -> None:
        """Windows of a rollout before training: as many as fit side by side, up to what the first questions need."""
        if self.windows is not None:
            fitting = self.num_envs * max(1, num_rounds // self.segment_steps)
            self.windows.plan(min(2 * self.learner.pretrain_labels, fitting), num_rounds)

    def _plan_next(self) -> None:
        """Windows of the next turn: two for each question that is due then, and some to choose from."""
        if self.windows is not None:
            wanted = self.learner.schedule.wanted(self.steps + self._turn_steps, self._clock.seconds())
            due = max(LEAST_DUE, min(wanted - self.learner.dataset.num_budgeted, self.config.human.open_pairs))
            self.windows.plan(WINDOWS_PER_QUESTION * due, -(-self._turn_steps // self.num_envs))

    def _seeing(self, rollouts: Iterator[Rollout]) -> Iterator[Rollout]:
        for rollout in rollouts:
            self._seen = rollout
            yield rollout

    # -- training ------------------------------------------------------------------------------------------------

    def pay(
        self, obs: Num[np.ndarray, "env *obs"], env_action: Shaped[np.ndarray, "env ..."], outcome: Outcome
    ) -> Float[np.ndarray, " env"]:
        """What the steps are worth; they are recorded, so hand over copies of arrays that are used again.

        Args:
            obs: before the step.
            env_action: as the environments were given it.
            outcome: of the step.

        Raises:
            NotFinite: an observation or a true reward is nan or infinite.
        """
        began = time.perf_counter()
        outcome.require_finite(self.spec.env_id, self.steps)
        action = self.actions.from_env(env_action)
        paid = self.score(obs, action, outcome.next_obs, outcome.terminated)
        if outcome.alive is not None:
            paid = np.where(outcome.alive, paid, np.float32(0))
        state = np.zeros((self.num_envs, 0)) if outcome.sim_state is None else outcome.sim_state
        self._recorder.add(
            Transitions(
                obs, outcome.next_obs, action, env_action, outcome.true_reward, outcome.terminated, outcome.truncated,
                paid, state,
            ), outcome.alive,
        )  # fmt: skip
        self.steps += self.num_envs if outcome.alive is None else int(outcome.alive.sum())
        self.seconds_inside += time.perf_counter() - began
        return paid.copy()  # whoever gets it may add to it

    def score(
        self, obs: np.ndarray, action: np.ndarray, next_obs: np.ndarray, terminated: np.ndarray
    ) -> Float[np.ndarray, "*batch"]:
        """What the newest reward pays for steps; `action` as a reward model sees it. Nothing is recorded."""
        if self.paid_by is None:
            return np.zeros(action.shape[:-1], np.float32)
        return self.paid_by(obs, action, next_obs, terminated)

    def cut(self, which: Bool[np.ndarray, " env"] | None = None) -> None:
        """Environments (None: all) were reset in the middle of their episodes: say so before the next step."""
        if self._recorder.cut(which):
            self.learner.interrupt()

    def turn(self) -> Turn:
        """Ask about what was recorded since the last turn, listen, and fit the reward if enough is new."""
        began, before = time.perf_counter(), self.paid_by
        recorded = self._recorder.take()
        self._last_turn = self.steps
        self.learner.observe(recorded.rollout, self.iteration, self.steps)
        fit = self._ask_and_fit(recorded.rollout, is_last=self.steps >= self.config.num_timesteps)
        self._episodes.add(recorded.rollout, recorded.paid)
        self._reporter.publish(self.iteration + 1, self.steps, recorded.rollout, UpdateResult(recorded.paid, {}), fit)
        self.iteration += 1
        self.seconds_inside += time.perf_counter() - began
        self._plan_next()
        self._save(at_once=self.steps >= self.config.num_timesteps)
        return Turn(before, self.paid_by)

    def _ask_and_fit(self, rollout: Rollout | None, *, is_last: bool) -> Fit | None:
        self.learner.ask_and_listen(
            self._clock.seconds(), is_last=is_last, mean_episode_return=self._episodes.mean_true_return(last=10)
        )
        if rollout is not None:
            self._stats = self._stats.merge(*padded(rollout))
        fit = self.learner.fit(self._stats)
        self._reporter.fitted(self.steps, fit)
        if fit is not None:
            self._pay(rollout)
        return fit

    @property
    def returns(self) -> dict[str, float]:
        """Mean returns of the last episodes: 'predicted_return' and 'true_return', once some have ended."""
        metrics = self._episodes.metrics()
        named = {
            "predicted_return": "agent/predicted_reward_per_episode",
            "true_return": "agent/true_reward_per_episode",
        }
        return {name: metrics[tag] for name, tag in named.items() if tag in metrics}

    def recent(self, num_rounds: int) -> list[Transitions]:
        """The newest rounds of steps that no turn has taken yet, oldest first."""
        return self._recorder.recent(num_rounds)

    def rescored(self, rounds: list[Transitions]) -> Float[np.ndarray, "time env"]:
        """By how much the newest reward of these steps is more than what was paid for them."""
        steps = Transitions(*map(np.stack, zip(*rounds, strict=True)))
        newest = self.score(steps.obs, steps.reward_action, steps.next_obs, steps.terminated)
        return np.asarray(newest - steps.paid)

    # -- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ask what is left of the budget, write the reward and the summary. Closing twice is fine."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self.has_begun:
                if len(self._recorder):
                    self.turn()
                if self.learner.dataset.num_budgeted < (self.config.n_labels or 0):
                    self.learner.end_at(self.config.num_timesteps)
                    self._ask_and_fit(None, is_last=True)
                self._save(at_once=True)
                self._write_results()
        finally:
            self._release()

    def leave(self) -> None:
        """Stop in the middle, after an error say: nothing more is asked, and resume=True goes on from here."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self.has_begun:
                self._save(at_once=True)
        finally:
            self._release()

    def _release(self) -> None:
        if self._people is not None:
            still_open = [comparison.id for comparison in self.learner.dataset.open()]
            self._people.close(still_open, is_done=self.steps >= self.config.num_timesteps)
        self._reporter.close()
        self._lock.close()

    def _write_results(self) -> None:
        summary = saved.summarize(
            self.config, self.spec, self.learner, self._reporter, self._episodes, self._names, self.steps
        )
        self.log(f"Labels: {summary['labels']}. The reward is in {self.folder / REWARD}.")
        write_reward(self.folder / REWARD, self.learner.reward, self._frames, self.learner.dataset.num_labels)

    def _pay(self, rollout: Rollout | None, factor: float = 1.0) -> None:
        """Pay with the reward as it was last fitted, from now on; with mean square 1 over a rollout, if it has ends."""
        labels = self.learner.dataset.num_labels
        if not labels:
            return
        made = to_portable(self.learner.reward, self._frames, labels)
        if made is None:
            raise ConfigError(
                f"--reward.model {self.config.reward.model}: it has no method portable (docs/rewards.md)."
            )
        pay = Pay(made, factor, self.learner.shows_ends)
        self.paid_by = pay if rollout is None else pay.sized(rollout)

    def _save(self, *, at_once: bool) -> None:
        """Keep what a resumed run needs; unless `at_once`, at most every few seconds."""
        if at_once or time.monotonic() - self._saved_at >= saved.SECONDS_BETWEEN:
            saved.save(
                self.folder, self.learner, self._stats, iteration=self.iteration, steps=self.steps,
                seconds=self._clock.seconds(), reporter=self._reporter, next_episode=self._recorder.next_episode,
                factor=1.0 if self.paid_by is None else self.paid_by.factor,
            )  # fmt: skip
            self._saved_at = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        raise CheckpointError(
            f"{self.folder.name}: a reward in training holds files and cannot be pickled. Keep it in the program that "
            "steps the environments; a finished one is loaded anywhere with rl_teacher.load_reward."
        )
