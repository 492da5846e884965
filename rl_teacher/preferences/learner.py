"""PreferenceLearner: the conversation with a teacher, and the reward that is learned from it."""

import math
from collections.abc import Callable, Iterator, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import BlindRollout, RewardInput, Rollout, Segments
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import Streams
from rl_teacher.errors import NoSegments
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.first_questions import FirstQuestions
from rl_teacher.preferences.fitted import Fit, LearnerSnapshot, PretrainProgress
from rl_teacher.preferences.gathering import further, gather
from rl_teacher.preferences.pool import Pool
from rl_teacher.preferences.rounds import Round, next_round, sizes
from rl_teacher.preferences.schedules import Schedule, labels_required
from rl_teacher.preferences.segments import by_id, cut_segments, distinct
from rl_teacher.preferences.trail import Trail
from rl_teacher.preferences.unasked import unasked_round
from rl_teacher.preferences.window import stats_of, window
from rl_teacher.protocols import FitData, LabelLog, RewardModel, RolloutHistory, Teacher
from rl_teacher.records import ComparisonId

LAST_ROUNDS = 20
"""How often the last step asks anew for what could not be told."""


class PreferenceLearner:
    """Watches rollouts, asks a teacher about short segments of them, and learns a reward from the answers.

    It knows no agent and no environment: whoever trains shows it what happened, and takes the reward. One turn of a
    loop is `observe`, `ask_and_listen`, `fit`; `reward` is frozen between two fits. Before the first turn `pretrain`
    gathers the first answers. Nothing here waits, but the iterator of `pretrain`.

    Args:
        reward_model: what is fitted, as it is before the first answer.
        teacher: who answers.
        schedule: how many comparisons are wanted by when.
        label_log: keeps comparisons and labels before they are used.
        selection: which comparisons are asked.
        segment_steps: steps of a segment.
        pretrain_labels: comparisons that `pretrain` asks about.
        streams: all randomness.
        origin: what ids are made from: everything that decides what a segment holds.
        env_id: what errors call the environment.
        clip_fps: steps per second of a clip, with which errors name lengths in seconds.
        episode_steps: steps of an episode, on which the thresholds of synthetic teachers depend.
        shows_ends: whether segments may run into the end of an episode, and the reward depends on it; no where episodes
            have one length, which tells nothing.
        shows_after: whether the reward depends on what is observed after each step, though no episode ends early.
        history: follows all rollouts, for teachers who are shown episodes that must be played again.
        shown: says of which steps there are pictures, where not all have one: only such are asked about.
        is_recorded: rollouts show episodes of a data set, which come again: no pair of them is asked about twice.
        seeks_rare: random actions are cheap, and seldom do what tells: where most first answers are ties, `pretrain`
            looks at more of them, for rare clips.

    Example, where an oracle answers, and random actions stand in for an agent:

    >>> from itertools import count
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from rl_teacher import PreferenceLearner, RewardModelConfig, find_env, make_envs
    >>> from rl_teacher.preferences.schedules import Annealed
    >>> from rl_teacher.rewards.gp.model import GaussianProcessReward
    >>> from rl_teacher.rollouts.action_space import action_spec
    >>> from rl_teacher.rollouts.local import LocalCollector
    >>> from rl_teacher.rollouts.random_actor import RandomActor
    >>> from rl_teacher.storage.label_log import LabelLog as LabelsOnDisk
    >>> from rl_teacher.teachers.synthetic import SyntheticTeacher, preset
    >>> spec, streams, folder = find_env("ShortReacher-v1"), Streams(seed=1), TemporaryDirectory()
    >>> envs = make_envs(spec, 4, seed=1)
    >>> actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)
    >>> collector = LocalCollector(envs, actions)
    >>> learner = PreferenceLearner(
    ...     reward_model=GaussianProcessReward.build(
    ...         collector.obs_shape, actions.size, RewardModelConfig(), center=True, key=streams.key("reward")
    ...     ),
    ...     teacher=SyntheticTeacher("oracle", preset("oracle"), seed=1),
    ...     schedule=Annealed(10, 30, 1200),  # 10 comparisons before training, 30 after 1,200 steps
    ...     label_log=LabelsOnDisk(Path(folder.name)), selection=SelectionConfig(), segment_steps=15,
    ...     pretrain_labels=10, streams=streams, origin="example", env_id=spec.env_id, clip_fps=spec.clip_fps,
    ...     shows_ends=False,
    ... )
    >>> def act(number):
    ...     return collector.collect(RandomActor(actions), 400, 100, streams.key("act", number))
    >>> for progress in learner.pretrain(act(-1 - attempt) for attempt in count()):
    ...     print(progress.num_answered, "of", progress.answers_wanted)
    0 of 10
    10 of 10
    >>> for iteration in (1, 2, 3):
    ...     rollout = act(iteration)  # of any agent
    ...     learner.observe(rollout, iteration, steps=400 * iteration)
    ...     learner.ask_and_listen(seconds=0.0, is_last=iteration == 3)
    ...     fit = learner.fit()
    ...     rewards = learner.reward(rollout.blind(show_true_reward=False).reward_input)  # frozen until the next fit
    >>> learner.dataset.num_labels, rewards.shape
    (30, (100, 4))
    >>> collector.close(); folder.cleanup()
    """

    def __init__(
        self,
        *,
        reward_model: RewardModel,
        teacher: Teacher,
        schedule: Schedule,
        label_log: LabelLog,
        selection: SelectionConfig,
        segment_steps: int,
        pretrain_labels: int,
        streams: Streams,
        origin: str,
        env_id: str,
        clip_fps: int,
        episode_steps: int = 1000,
        shows_ends: bool = True,
        shows_after: bool = False,
        history: RolloutHistory | None = None,
        shown: Callable[[Rollout], Bool[np.ndarray, "time env"]] | None = None,
        is_recorded: bool = False,
        seeks_rare: bool = False,
    ) -> None:
        self.dataset = Dataset()
        self.schedule = schedule
        self.pretrain_labels = pretrain_labels
        self.first_fit: Fit | None = None
        """That of `pretrain`; None before it, and where no answer could be trained on."""
        self._reward, self._teacher, self._log, self._history = reward_model, teacher, label_log, history
        self._shown, self._is_recorded, self._seeks_rare = shown, is_recorded, seeks_rare
        self._selection, self._streams, self._origin = selection, streams, origin
        self._segment_steps, self._episode_steps = segment_steps, episode_steps
        self._env_id, self._clip_fps = env_id, clip_fps
        self.shows_ends, self.shows_after = shows_ends, shows_after
        self._pool, self._trail = Pool(selection.pool_iterations), Trail(segment_steps)
        self._rollout: Rollout | None = None
        """The newest: over its frames the reward is normalized."""
        self._iteration, self._steps = 0, 0
        self._first_stats: RunningStats | None = None
        """Observation statistics of the rollouts before training."""
        self._mean_random_reward = 0.0
        """Mean true reward per step of the rollouts before training."""
        self._changed: list[ComparisonId] = []
        """Comparisons whose target changed since the last fit."""

    @property
    def reward(self) -> RewardModel:
        """The reward model as it was last fitted: the same object until the next fit."""
        return self._reward

    # -- a turn of the loop --------------------------------------------------------------------------------------

    def observe(self, rollout: Rollout, iteration: int, steps: int) -> None:
        """See what an agent did: segments of it may be asked about from now on.

        Args:
            rollout: axes (time, env). It goes on where the one before it ended, if they are shorter than a segment.
            iteration: turn of the loop, from 1 on, growing by one.
            steps: environment steps of the agent by now, this rollout included.
        """
        self._rollout, self._iteration, self._steps = rollout, iteration, steps
        if self._history is not None:
            self._history.add(rollout, iteration)
        window, num_old = self._trail.follow(rollout)
        self._pool.add(self._cut(window, self._selection.segments_per_iteration, iteration, num_old))

    def interrupt(self) -> None:
        """Somebody reset the environments: the next rollout does not go on where the last one ended."""
        self._trail = Trail(self._segment_steps)

    def end_at(self, steps: int) -> None:
        """No rollout follows, however many were planned: the schedule is where it would be after `steps`."""
        self._steps = steps

    def ask_and_listen(
        self, seconds: float, *, is_last: bool = False, mean_episode_return: float | None = None
    ) -> None:
        """Ask for as many comparisons as the schedule wants by now, and take in what was answered.

        People are asked one by one, as long as their queue has room. For those who answer at once, questions come in
        rounds, a round for each fit that they would cause.

        Args:
            seconds: of training by now, on which some schedules depend [s].
            is_last: no turn follows. The budget is met exactly, and what could not be told is asked anew; people are
                not waited for.
            mean_episode_return: true return of the last episodes, where known, for synthetic teachers' thresholds.
        """
        room = None if self._teacher.answers_at_once else self._teacher.room()
        is_last = is_last and room is None
        for attempt in range(LAST_ROUNDS if is_last else 1):
            wanted = self.schedule.wanted(self._steps, seconds) - self.dataset.num_budgeted
            is_due = room is not None or is_last or self._reward.wants_fit(self.dataset.num_changes + wanted)
            wanted = wanted if room is None else min(wanted, room)
            pool = self._pool.segments()
            if wanted > 0 and is_due and pool is not None:
                for part, num in enumerate(sizes(wanted, self._selection, at_once=room is None)):
                    if part:
                        self.listen()  # what is asked next depends on it
                    stream = f"select {attempt} {part}" if part else f"select {attempt}"
                    generator = self._streams.generator(stream, self._iteration)
                    asked = next_round(pool, num, self._reward, self.dataset, self._selection, generator)
                    self._ask(asked, mean_episode_return)
            self.listen()

    def listen(self, timeout_s: float = 0.0) -> None:
        """Take in new labels, on disk before they are used; waits up to `timeout_s` for the first [s].

        Those of comparisons that people made themselves too, of segments that they were asked about before.
        """
        labels = self._teacher.poll(timeout_s)
        if (unasked := unasked_round(labels, self.dataset)) is not None:
            left, right, comparisons = unasked.left, unasked.right, unasked.comparisons(self._steps)
            self._log.write_comparisons(self._iteration, comparisons, left, right)
            self.dataset.add(comparisons, left, right)
        self._log.write_labels(labels)
        self._changed += self.dataset.label(labels)

    @property
    def has_news(self) -> bool:
        """Whether answers have come since the last fit."""
        return bool(self._changed)

    def fit(self, obs_stats: RunningStats | None = None, *, is_last: bool = False) -> Fit | None:
        """Fit the reward model if enough is new; None if not.

        Args:
            obs_stats: of the agent's observations, which the model normalizes by until its next fit; those of the time
                before training if there are none.
            is_last: no other fit follows, so that all that is new is enough.
        """
        is_due = self._reward.wants_fit(self.dataset.num_changes) or (is_last and self.has_news)
        if self._rollout is None or not is_due:
            return None
        rollout, is_known = self._rollout, obs_stats is not None and float(obs_stats.count) > 0
        return self._fit(self._window([rollout]), obs_stats if is_known else self._first_stats, None)

    def blind(self, rollout: Rollout) -> BlindRollout:
        """What an agent learns from: a rollout without the true reward."""
        return rollout.blind(show_true_reward=False, show_ends=self.shows_ends, show_after=self.shows_after)

    def _window(self, rollouts: list[Rollout]) -> RewardInput:
        """The frames of rollouts, as the reward model sees them."""
        return window(rollouts, shows_ends=self.shows_ends, shows_after=self.shows_after)

    def _fit(self, frames: RewardInput, obs_stats: RunningStats | None, num_steps: int | None) -> Fit | None:
        """The reward model fitted anew; None if nothing is labeled."""
        labeled = self.dataset.labeled()
        if labeled is None:
            return None
        assert obs_stats is not None, "pretraining measured the first statistics"
        data = FitData(labeled, frames, obs_stats, self.dataset.num_changes)
        before = self._reward
        self._reward, metrics = before.fit(data, num_steps, self._streams.key("fit", self._iteration))
        changed, self._changed = tuple(self._changed), []
        return Fit(before, self._reward, metrics, changed)

    # -- before training -----------------------------------------------------------------------------------------

    def pretrain(self, rollouts: Iterator[Rollout], *, num_fit_steps: int | None = None) -> Iterator[PretrainProgress]:
        """Gather segments, ask about pairs of them, wait for three quarters of the answers, fit the reward.

        An iterator that does the work while it is iterated over, and says how far it is: after each rollout, and about
        once a second while answers are awaited. Whoever stops iterating stops waiting; what was asked stays asked.

        Args:
            rollouts: of random actions or of any policy, each beginning with resets; as many are taken as are needed.
            num_fit_steps: gradient steps of the first fit, for reward models that take any.

        Raises:
            NoSegments: several rollouts in a row had no episode long enough for a segment.
        """
        wanted = 2 * self.pretrain_labels
        for first in gather(rollouts, self._cut_first, wanted, self.shows_ends, self._no_segments):
            yield self._progress(len(first.segments), is_waiting=False)
        segments = distinct(first.segments)
        self._mean_random_reward = float(np.mean([one.true_reward[one.counted].mean() for one in first.rollouts]))
        more = further(rollouts, self._cut_first, first) if self._seeks_rare else None
        questions = FirstQuestions(segments, self.pretrain_labels, self._selection, self._streams, more)
        yield from self._first_answers(questions)
        self._pool.add(questions.segments)
        frames = self._window(first.rollouts)
        self._first_stats = stats_of(np.asarray(frames.obs))
        if self._reward.wants_fit(self.dataset.num_changes):
            self.first_fit = self._fit(frames, self._first_stats, num_fit_steps)

    def _cut_first(self, rollout: Rollout, num: int, number: int) -> Segments:
        """At most `num` segments of a rollout before training, the first of which is number 1."""
        if self._history is not None:
            self._history.add(rollout, -number)
        return self._cut(rollout, num, -number)

    def _first_answers(self, questions: FirstQuestions) -> Iterator[PretrainProgress]:
        """Ask and wait until three quarters of the pretraining labels are there, or nobody is left to wait for.

        A teacher who could not tell, pairs that overlapped, and clips that could not be made are made up for.
        """
        if not self.dataset.comparisons:  # else a run that was stopped here goes on
            self._ask(questions.due(self.dataset, answers_at_once=self._teacher.answers_at_once), None)
        while True:
            self.listen()
            yield self._progress(len(questions.segments), is_waiting=True)
            asked = questions.due(self.dataset, answers_at_once=self._teacher.answers_at_once)
            if asked is not None:
                self._ask(asked, None)
            elif self.dataset.num_answered >= labels_required(self.pretrain_labels) or not self.dataset.num_open:
                return
            else:
                self.listen(timeout_s=1.0)

    def _progress(self, num_segments: int, *, is_waiting: bool) -> PretrainProgress:
        return PretrainProgress(
            num_segments, 2 * self.pretrain_labels, self.dataset.num_answered, self.pretrain_labels, is_waiting
        )

    def _no_segments(self, rollouts: list[Rollout]) -> NoSegments:
        longest = int(max(rollout.episode_step.max() for rollout in rollouts)) + 1
        return NoSegments(
            f"env {self._env_id!r}: no episode of random actions had the {self._segment_steps} steps of a segment, "
            f"the longest had {longest}. Use --clip-length {longest / 2 / self._clip_fps:.2g} or less (clip_length in "
            "a program of yours)."
        )

    # -- segments and questions ----------------------------------------------------------------------------------

    def _cut(self, rollout: Rollout, num: int, iteration: int, num_old: int = 0) -> Segments:
        """At most `num` segments of a rollout that the history has heard of: what is asked must be found there."""
        generator = self._streams.generator("cut", iteration % 2**32)
        return cut_segments(
            rollout, self._segment_steps, num, generator, origin=self._origin, iteration=iteration,
            shows_ends=self.shows_ends, shows_after=self.shows_after, num_old=num_old,
            shown=None if self._shown is None else self._shown(rollout), is_recorded=self._is_recorded,
        )  # fmt: skip

    def _ask(self, asked: Round | None, mean_episode_return: float | None) -> None:
        """Put comparisons to the teacher, once they and their arrays are on disk."""
        if asked is None:
            return
        left, right, comparisons = asked.left, asked.right, asked.comparisons(self._origin, self._steps)
        self._log.write_comparisons(self._iteration, comparisons, left, right)
        self.dataset.add(comparisons, left, right)
        is_known = mean_episode_return is not None and not np.isnan(mean_episode_return)
        self._teacher.observe(mean_episode_return if is_known else None, self._episode_steps, self._mean_random_reward)
        self._teacher.ask(comparisons, by_id(left, right))

    # -- what survives a crash -----------------------------------------------------------------------------------

    def recall(self) -> None:
        """Read what was asked and answered before a crash. People are asked again about what is still open.

        With teachers who answer at once, `restore` reads the labels instead: those of turns that the crash took back
        are asked again under the same ids.
        """
        if not self._teacher.answers_at_once:
            self._log.read(self.dataset)
            self._teacher.ask(self.dataset.open(), self.dataset.segments(self.dataset.open()))

    def snapshot(self) -> LearnerSnapshot:
        """Everything but the labels, which are in the log."""
        arrays = {f"pool/{name}": array for name, array in self._pool.snapshot().items()}
        arrays |= {f"trail/{name}": array for name, array in self._trail.snapshot().items()}
        if self._first_stats is not None:
            arrays["first/mean"] = np.asarray(self._first_stats.mean)
            arrays["first/var"] = np.asarray(self._first_stats.variance)
        values = {"mean_random_reward": self._mean_random_reward, "teacher": self._teacher.state()}
        return LearnerSnapshot(self._reward, arrays, values)

    def restore(self, snapshot: LearnerSnapshot, iteration: int, steps: int, *, repeats: bool = True) -> None:
        """Go on from a snapshot that was taken before turn `iteration`, at `steps` environment steps.

        Args:
            snapshot: of this learner.
            iteration: the turn that comes next.
            steps: environment steps by then.
            repeats: whether training repeats itself bit for bit: what was asked since is then asked again under the
                same ids. Else it is kept.

        Raises:
            KeyError: the snapshot lacks something.
        """
        arrays, values = snapshot.arrays, snapshot.values
        self._pool.restore(_within("pool/", arrays))
        self._trail.restore(_within("trail/", arrays))
        if "first/mean" in arrays:
            mean, variance = jnp.asarray(arrays["first/mean"]), jnp.asarray(arrays["first/var"])
            self._first_stats = RunningStats(jnp.ones(()), mean, variance)
        self._teacher.restore(values["teacher"])
        if self._teacher.answers_at_once:
            self._log.read(self.dataset, before_iteration=iteration if repeats else math.inf)
        self._mean_random_reward = values["mean_random_reward"]
        self._reward, self._steps = snapshot.reward, steps


def _within(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
