"""Reporter: what a run tells while it goes on: metrics, progress, videos, and the labeling page."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import Rollout, Segments
from rl_teacher.core.correlation import correlation
from rl_teacher.core.segment import Segment
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.people.client.messages import NO_OUTLOOK, Lesson, Outlook
from rl_teacher.preferences.fitted import Fit, PretrainProgress
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.protocols import UpdateResult
from rl_teacher.records import Comparison
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.rollouts.last_episode import LastEpisode
from rl_teacher.storage.metrics import MetricsWriter
from rl_teacher.storage.names import slug
from rl_teacher.training.clock import Clock
from rl_teacher.training.lesson import LessonReport, relevances_in_words
from rl_teacher.training.outlook import look_ahead
from rl_teacher.training.progress import Progress
from rl_teacher.training.task_sentence import is_own_task

REMIND_SECONDS = 60.0
"""Time between two lines that say the same number of labels [s]."""
VIDEO_SECONDS = 6.0
"""Length of a video of the agent [s of the video]."""
MOST_PREDICTED = 64
"""Comparisons of which people are shown what the reward model makes of them after one fit, the newest."""
GUESSING_MODELS = ("auto", "gp", "cnn", "ensemble", "untrained")
"""Reward models whose mean is 0 as long as no labeled clip shows an end."""


class VideoMaker(Protocol):
    """Draws what the agent does; nothing waits for it."""

    def send_video(self, step: int, episode: Segment) -> None:
        """What the agent did after `step` environment steps."""
        ...


class Audience(VideoMaker, Protocol):
    """The people who teach, as far as they are told things: people.audience has the real one."""

    @property
    def label_link(self) -> str:
        """Where they answer."""
        ...

    def report(self, state: str, step: int, values: Mapping[str, float], outlook: Outlook = NO_OUTLOOK) -> None:
        """What the trainer does now, how the curves go on, and what comes when."""
        ...

    def report_fit(self, step: int, fit: Fit, pairs: Sequence[tuple[Comparison, Segments, Segments]]) -> None:
        """What the reward model makes of their newest answers, before and after it learned from them."""
        ...

    def report_lesson(self, lesson: Lesson) -> None:
        """How far the lesson is, and at its end how it ended."""
        ...

    def report_refit(self, step: int, num_labels: int) -> None:
        """The reward model was fitted to `num_labels` labels: what it predicts may jump here."""
        ...


class Reporter:
    """Writes metrics.jsonl and TensorBoard, shows progress, and tells people how their lesson goes.

    Args:
        config: of the run.
        spec: of the environment.
        input_names: of each number that a reward model sees.
        folder: of the run.
        episodes: follows the returns of whole episodes.
        learner: None with `-p rl`.
        clock: of the training.
        audience: with `-p human`, the people who teach.
        videos: draws what the agent does as it learns; None for no videos.
        log: gets lines for the terminal.
        shows_progress: whether it also gets those that say how far the run is; no where another program says so.
    """

    def __init__(
        self,
        config: RunConfig,
        spec: EnvSpec,
        input_names: Sequence[str],
        folder: Path,
        *,
        episodes: EpisodeTracker,
        learner: PreferenceLearner | None,
        clock: Clock,
        audience: Audience | None,
        videos: VideoMaker | None,
        log: Callable[[str], None],
        shows_progress: bool = True,
    ) -> None:
        self.folder = folder
        self.log = log
        self.last_metrics: dict[str, float] = {}
        """The newest value of each metric."""
        self._config, self._spec, self._input_names = config, spec, input_names
        self._episodes, self._learner, self._shows_progress = episodes, learner, shows_progress
        self._clock, self._audience, self._videos = clock, audience, videos
        self._lesson: LessonReport | None = None
        if audience is not None and learner is not None:
            own = is_own_task(config, spec)
            self._lesson = LessonReport(config, learner, input_names, audience.report_lesson, is_own_task=own)
        self._tb_folder = Path(config.tb_dir).expanduser() / slug(config.name)
        self._progress = Progress(config.num_timesteps, log)
        self._writer: MetricsWriter | None = None
        self._wall = Clock()
        self._last_count, self._counted_at = -1, -math.inf
        self._last_episode = LastEpisode(round(VIDEO_SECONDS * spec.clip_fps))
        self._next_video = time.monotonic() + config.video_seconds / 3
        self._unshown: tuple[int, Segment] | None = None
        """The newest episode, if no video shows it, and the environment steps after it."""

    def start(self, resumed_at: int | None) -> None:
        """Begin to publish, after the metrics of step `resumed_at` where the run is resumed."""
        self._writer = MetricsWriter(self.folder, self._tb_folder, resumed_at)
        if resumed_at is not None and self._lesson is not None:
            self._lesson.goes_on()
        self.restart_clock(resumed_at or 0)

    def restart_clock(self, step: int) -> None:
        """Measure speed from `step` on: what came before was no training."""
        self._progress.start(step)

    def wall_seconds(self) -> float:
        """Seconds in this run so far, pretraining, compiling and earlier processes included [s]."""
        return self._wall.seconds()

    def restore(self, wall_seconds: float, last_metrics: Mapping[str, float | None]) -> None:
        """Go on from what a checkpoint says."""
        self._wall.restore(wall_seconds)
        self.last_metrics = {name: math.nan if value is None else value for name, value in last_metrics.items()}

    # -- training ------------------------------------------------------------------------------------------------

    def publish(self, iteration: int, steps: int, rollout: Rollout, update: UpdateResult, fit: Fit | None) -> None:
        """Write the metrics of an iteration, and show progress.

        Args:
            iteration: the number of the next one.
            steps: environment steps by now.
            rollout: of this one.
            update: what its agent told.
            fit: of the reward model in it.
        """
        seconds = self._clock.seconds()
        values = {
            "agent/total_steps": float(steps),
            "agent/iteration": float(iteration),
            "agent/batch_true_return": _per_episode(rollout, rollout.true_reward, self._spec.horizon),
            "time/elapsed_seconds": seconds,
            "time/env_steps_per_second": self._progress.rate(steps),
            **self._episodes.metrics(),
            **{name: float(value) for name, value in update.metrics.items()},
            **(fit.metrics if fit else {}),
            **self._label_metrics(steps, seconds, rollout, update.predicted_reward),
        }
        self.last_metrics |= values
        if self._audience is not None:
            self._audience.report("training", steps, values, self._look_ahead(steps, seconds, rollout.num_steps))
        self._show_agent(iteration, steps, rollout)
        assert self._writer is not None, "start() comes first"
        self._writer.write(steps, values)
        if self._shows_progress:
            self._progress.show(steps, self.last_metrics, with_labels=self._learner is not None)

    def fitted(self, step: int, fit: Fit | None) -> None:
        """Show people what the reward model makes of their newest answers; `step` is when it was fitted."""
        if fit is None or self._audience is None or self._learner is None:
            return
        if self._lesson is not None:
            self._lesson.goes_on()
        self._audience.report_refit(step, self._learner.dataset.num_labels)
        if pairs := self._learner.dataset.pairs(fit.changed[-MOST_PREDICTED:]):
            self._audience.report_fit(step, fit, pairs)

    def _look_ahead(self, steps: int, seconds: float, turn_steps: int) -> Outlook:
        if self._learner is None:
            return NO_OUTLOOK
        return look_ahead(
            self._learner.schedule, self._learner.dataset.num_budgeted, steps=steps,
            num_steps=self._config.num_timesteps, seconds=seconds, steps_per_second=self._progress.rate(steps),
            turn_steps=turn_steps,
        )  # fmt: skip

    def _label_metrics(self, steps: int, seconds: float, rollout: Rollout, predicted: np.ndarray) -> dict[str, float]:
        if self._learner is None:
            return {}
        dataset, counted = self._learner.dataset, rollout.counted
        return {
            "labels/desired_labels": float(self._learner.schedule.wanted(steps, seconds)),
            "labels/total_comparisons": float(len(dataset.comparisons)),
            "labels/labeled_comparisons": float(dataset.num_decisive),
            "labels/answered": float(dataset.num_answered),
            "labels/trained_on": float(dataset.num_labels),
            "predictor/step_correlation": correlation(
                rollout.true_reward[counted].astype(np.float64), predicted[counted].astype(np.float64)
            ),
        }

    def _show_agent(self, iteration: int, steps: int, rollout: Rollout) -> None:
        if self._videos is None:
            return
        episode, now = self._last_episode.add(rollout, iteration - 1), time.monotonic()
        if episode is not None:
            self._unshown = steps, episode
        if episode is not None and now >= self._next_video:
            self._next_video, self._unshown = now + self._config.video_seconds, None
            self._videos.send_video(steps, episode)

    def ended(self, step: int, before: float | None, after: float | None) -> None:
        """Show people the finished agent, and tell them how the lesson ended.

        Args:
            step: environment steps of training.
            before: mean true return of an episode of random actions; None: not known.
            after: the same of the finished agent.
        """
        if self._lesson is None:
            return
        if self._videos is not None and self._unshown is not None:
            self._videos.send_video(*self._unshown)
        self._lesson.ends(step, before, after)

    # -- before training -----------------------------------------------------------------------------------------

    def pretraining_begins(self) -> None:
        """Say so, and to people how many answers come first: they may have the page open already."""
        if self._lesson is not None:
            self._lesson.waits()
        self.log("Starting random rollouts to generate pretraining segments. No learning will take place...")

    def pretraining(self, progress: PretrainProgress) -> None:
        """How many segments, then how many of the first labels are there; said when it changes, and now and then."""
        if self._lesson is not None:
            self._lesson.waits()
        if not progress.is_waiting:
            self.log(f"Collected {progress.num_segments}/{progress.segments_wanted} segments")
            return
        if self._audience is None:
            return
        self._audience.report("waiting", 0, {})
        count, now = progress.num_answered, time.monotonic()
        if (count != self._last_count and now - self._counted_at > 5.0) or now - self._counted_at > REMIND_SECONDS:
            link = self._audience.label_link
            self.log(f"{count}/{progress.answers_wanted} comparisons labeled. Please label at {link}")
            self._last_count, self._counted_at = count, now

    def pretrained(self, learner: PreferenceLearner) -> None:
        """What the first fit was worth, and what the reward looks at."""
        if self._lesson is not None:
            self._lesson.goes_on()
        metrics = learner.first_fit.metrics if learner.first_fit else {}
        self.last_metrics |= metrics
        self.log(f"Fitted the reward model to {learner.dataset.num_labels} labels: {_describe_fit(metrics)}")
        self.log(_describe_reward(learner, self._input_names))
        guesses = self._config.reward.normalize and self._config.reward.model in GUESSING_MODELS
        if guesses and learner.first_fit is not None and learner.shows_ends and not learner.dataset.shows_ends:
            self.log(
                "No labeled clip shows the end of an episode yet, so nothing is known of what survival is worth. Until "
                "one does, the mean reward of a step is 0: docs/ends.md."
            )

    def close(self) -> None:
        """Close files; closing twice is fine."""
        self._progress.stop()
        if self._writer:
            self._writer.close()


def _describe_fit(metrics: Mapping[str, float]) -> str:
    """One line on a fit."""
    if not metrics:
        return "no label to fit"
    return (
        f"loss {metrics.get('predictor/loss', math.nan):.3f}, "
        f"held-out loss {metrics.get('predictor/holdout_loss', math.nan):.3f}, "
        f"held-out accuracy {metrics.get('predictor/holdout_accuracy', math.nan):.0%}"
    )


def _describe_reward(learner: PreferenceLearner, input_names: Sequence[str]) -> str:
    """One line on what the reward depends on."""
    if not learner.dataset.num_decisive:
        return (
            f"Nothing could be learned: none of {learner.dataset.num_answered} answers prefers a clip. Where all "
            "of them are worth the same, a teacher of your own can tell them apart: docs/teachers.md."
        )
    return f"It looks at: {relevances_in_words(learner, input_names) or 'nothing yet'}"


def _per_episode(rollout: Rollout, reward: np.ndarray, horizon: int | None) -> float:
    """Mean reward per step of a batch, times the horizon: the return of an episode like it."""
    return float(reward[rollout.counted].mean()) * (horizon or 1)


def jsonable(values: Mapping[str, Any]) -> dict[str, Any]:
    """nan and infinity as null: JSON knows neither."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
